"""What people talk about: domains of life, each with its things, actions, qualities and people.

One record a domain (further lines indented), fields parted by semicolons, entries by commas: name; things; actions
(verbs that take such a thing as object); qualities; people. Sentences take all their slots from one domain, so that
they hang together.
"""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """One domain of life and its words."""

    name: str
    things: tuple[str, ...]
    actions: tuple[str, ...]
    qualities: tuple[str, ...]
    people: tuple[str, ...]


_LINES = """
bread baking; sourdough starter, rye loaf, oven spring, crumb, proofing basket, baguette dough, crust, poolish, hydration, bread
  knife, focaccia, brioche; knead, shape, score, reheat, freeze, rescue, weigh out; gummy, airy, dense, overproofed, burnt,
  bland; baker, neighbour, grandmother, flatmate
gardening; tomato seedlings, compost heap, raised bed, hydrangea, aphids, drip hose, apple tree, lawn, lavender hedge,
  greenhouse, bulbs, mulch; prune, repot, water, fertilise, overwinter, transplant, dig up; wilted, leggy, shady, waterlogged,
  frost-hardy, overgrown; gardener, landlord, allotment keeper, aunt
bicycles; rear derailleur, disc brake, gravel bike, bottom bracket, chain, headset, inner tube, dynamo light, cargo trailer,
  saddle, freewheel, cassette; adjust, true, grease, swap, bleed, tighten, measure; squeaky, worn, bent, second-hand, loose,
  carbon; mechanic, commuter, cycling buddy, cousin
home repair; leaky tap, drywall, floorboards, boiler, window frame, grout, circuit breaker, radiator, loft hatch, gutter, shower
  seal, hinge; patch, sand, insulate, unclog, seal, repaint, replace; mouldy, crooked, draughty, cracked, rusty, damp; plumber,
  tenant, electrician, brother-in-law
personal budget; emergency fund, grocery bill, student loan, credit union, savings account, rent, subscription list, overdraft,
  pension, car insurance, spreadsheet, payday; track, cut, pay off, forecast, split, renegotiate, compare; tight, irregular,
  overdue, fixed, surprising, variable; partner, bank clerk, accountant, roommate
job search; cover letter, salary range, phone screen, reference, portfolio, notice period, job offer, career gap, résumé,
  recruiter email, probation, references page; rewrite, negotiate, decline, tailor, follow up on, proofread, practise; awkward,
  senior, remote, underpaid, promising, vague; recruiter, hiring manager, former boss, mentor
travel planning; night train, hostel, rail pass, layover, itinerary, visa form, ferry timetable, carry-on, city walk, campsite,
  travel insurance, rental car; book, reschedule, shorten, pack, map out, cancel, price; cheap, scenic, overbooked, direct,
  rainy, child-friendly; travel companion, host, conductor, in-laws
wedding; seating chart, vows, venue deposit, caterer, bridesmaid dress, first dance, invitation wording, best man speech, guest
  list, florist, rehearsal dinner, registry; plan, word, shorten, rehearse, decorate, budget for, postpone; heartfelt, formal,
  tiny, outdoor, chaotic, rustic; fiancée, best man, wedding planner, stepmother
parenting; bedtime, picky eater, screen time, potty training, school lunch, tantrum, sleepover, pocket money, homework battle,
  pacifier, nursery place, teething; handle, limit, explain, survive, structure, ease, talk about; fussy, shy, exhausted,
  stubborn, curious, overtired; toddler, teenager, paediatrician, nanny
school maths; quadratic equation, fraction, probability tree, triangle proof, derivative, matrix, word problem, logarithm,
  sequence, unit circle, histogram, inequality; solve, simplify, graph, factor, check, derive, estimate; negative, irrational,
  linear, tricky, periodic, symmetric; teacher, tutor, classmate, younger sister
physics; pendulum, magnetic field, black hole, heat pump, refraction, torque, half-life, electric circuit, terminal velocity,
  interference pattern, superconductor, tidal force; model, measure, visualise, approximate, derive, demonstrate, calculate;
  damped, charged, relativistic, resonant, frictionless, opaque; lab partner, professor, physicist, nephew
chemistry; buffer solution, titration curve, catalyst, polymer, redox reaction, crystal, solvent, isotope, esterification,
  indicator, precipitate, molar mass; balance, dilute, neutralise, name, synthesise, identify, store; acidic, volatile, soluble,
  exothermic, inert, toxic; chemist, lab technician, supervisor, study group
biology; mitochondria, enzyme, food web, photosynthesis, gene expression, immune response, petri dish, nervous system, mutation,
  stem cell, migration, pollinator; label, compare, sequence, classify, observe, sketch, culture; dominant, invasive, aquatic,
  recessive, microbial, extinct; biologist, zoo keeper, lecturer, field assistant
history; trade route, peace treaty, printing press, peasant revolt, shipwreck, coal strike, plague year, medieval guild, archive
  letter, railway boom, coronation, lost colony; summarise, date, contextualise, compare, narrate, cite, question; forgotten,
  disputed, colonial, ancient, decisive, romanticised; historian, archivist, museum guide, uncle
philosophy; free will, thought experiment, moral luck, social contract, paradox, identity over time, consent, stoic maxim,
  utilitarian calculus, scepticism, virtue, meaning of work; defend, attack, untangle, illustrate, define, question, contrast;
  circular, persuasive, abstract, naive, intuitive, contested; ethicist, debate partner, professor, monk
essay writing; thesis statement, second paragraph, counterargument, citation, conclusion, word count, topic sentence,
  introduction, outline, transition, block quote, title; tighten, expand, rephrase, restructure, proofread, shorten, strengthen;
  rambling, dry, repetitive, clunky, overlong, convincing; lecturer, peer reviewer, classmate, editor
fiction; unreliable narrator, heist scene, plot twist, villain, opening line, magic system, love triangle, haunted lighthouse,
  dialogue tag, chapter ending, detective, prophecy; draft, outline, foreshadow, rewrite, darken, pace, name; melancholy, witty,
  gothic, predictable, tense, whimsical; protagonist, beta reader, rival, ghost
poetry; sonnet, haiku, limerick, elegy, refrain, free verse, birthday rhyme, villanelle, metaphor, stanza, ballad, slant rhyme;
  compose, scan, translate, polish, recite, shorten, illustrate; wistful, bawdy, tender, autumnal, clumsy, musical; poet,
  grandfather, best friend, choir leader
music practice; guitar solo, chord progression, metronome, piano fingering, bass line, sight reading, drum fill, choir
  arrangement, capo, barre chord, practice log, sheet music; transpose, practise, memorise, arrange, slow down, tune, record;
  jazzy, off-key, syncopated, minor, buzzing, effortless; bandmate, piano teacher, busker, conductor
photography; aperture, night sky, portrait lens, tripod, colour grade, film scan, wedding shoot, histogram, long exposure,
  backlight, photo book, raw file; crop, expose, retouch, catalogue, print, compose, sharpen; grainy, overexposed, moody, flat,
  candid, blurry; photographer, model, client, lab
fitness; deadlift, rest day, half marathon, knee pain, kettlebell, heart rate zone, protein intake, plank, running shoes,
  mobility drill, pull-up, interval session; train for, progress, deload, warm up for, log, recover from, time; sore, sluggish,
  injured, explosive, steady, tight; coach, physiotherapist, gym partner, running club
nutrition; iron intake, lunch prep, oat milk, food label, fibre, blood sugar, lentil stew, snack, vitamin D, intermittent
  fasting, allergy list, smoothie; plan, swap, count, portion, avoid, season, store; gluten-free, salty, filling, processed,
  vegan, bland; dietitian, doctor, roommate, mother
sleep; insomnia, alarm clock, night shift, melatonin, nap, snoring, blackout curtain, jet lag, caffeine cutoff, nightmare,
  mattress, evening routine; fix, shift, track, shorten, improve, understand, stick to; restless, groggy, irregular, shallow,
  early, noisy; spouse, shift supervisor, sleep clinic, doctor
pets; rescue dog, litter box, leash pulling, budgie cage, flea treatment, kitten, vet bill, crate training, aquarium filter,
  hamster wheel, separation anxiety, chew toy; train, groom, feed, calm, introduce, travel with, adopt; skittish, overweight,
  playful, elderly, aggressive, moulting; vet, dog sitter, breeder, shelter volunteer
cooking; risotto, cast-iron pan, fish sauce, roast chicken, leftover rice, curry paste, pressure cooker, béchamel, dumplings,
  chilli oil, birthday cake, stock; cook, marinate, thicken, substitute, braise, plate, scale up; soggy, spicy, undercooked,
  creamy, smoky, tough; chef, dinner guests, housemate, grandma
language learning; verb endings, listening practice, flashcards, accent, false friends, subjunctive, phrasebook, tandem partner,
  word order, gendered nouns, slang, placement test; memorise, pronounce, conjugate, drill, translate, understand, review;
  fluent, rusty, irregular, polite, colloquial, confusing; tutor, exchange partner, host family, colleague
small business; invoice template, loyalty card, shop window, market stall, supplier contract, opening hours, sales tax, cash
  flow, customer survey, logo, delivery fee, business plan; price, launch, promote, automate, register, draft, renegotiate;
  seasonal, late, family-run, slow, profitable, handmade; supplier, bookkeeper, first customer, co-founder
marketing; newsletter, landing page, tagline, ad budget, product launch, testimonial, open rate, audience persona, press
  release, hashtag, referral program, brand voice; write, test, segment, brainstorm, schedule, rework, measure; catchy, generic,
  pushy, playful, underperforming, on-brand; copywriter, agency, client, intern
spreadsheets; pivot table, lookup formula, date column, conditional format, duplicate rows, named range, csv export, drop-down
  list, running total, merged cells, macro, chart axis; build, debug, clean, sum up, protect, sort, automate; blank, circular,
  hidden, nested, slow, misaligned; colleague, controller, manager, trainee
statistics; confidence interval, regression, sample size, outlier, survey weights, p-value, bootstrap, box plot, missing data,
  baseline, effect size, cohort; interpret, report, compute, plot, adjust for, justify, compare; skewed, significant, noisy,
  biased, correlated, underpowered; reviewer, statistician, advisor, co-author
law at home; rental deposit, parking fine, employment contract, will, small claim, neighbour dispute, warranty, privacy notice,
  custody plan, noncompete, power of attorney, refund; dispute, draft, understand, terminate, appeal, sign, enforce; binding,
  unfair, overdue, ambiguous, verbal, expired; lawyer, landlord, mediator, notary
health questions; migraine, blood test, allergy season, sprained ankle, antibiotics, blood pressure, rash, vaccination card,
  cough, back pain, eye strain, appointment; treat, describe, prevent, monitor, understand, ask about, manage; chronic, itchy,
  mild, sudden, recurring, harmless; doctor, pharmacist, nurse, father
relationships; apology, long distance, first date, breakup text, group chat, jealousy, anniversary, boundary, awkward silence,
  moving in, thank-you note, old friend; write, bring up, set, repair, answer, plan, process; honest, clingy, distant, kind,
  passive-aggressive, sincere; boyfriend, ex, best friend, therapist
workplace; status update, one-on-one, stand-up, performance review, handover document, meeting agenda, promotion case,
  resignation letter, onboarding plan, reply to a complaint, team offsite, burnout; write, prepare, soften, shorten, lead,
  postpone, document; blunt, urgent, passive, diplomatic, unclear, friendly; manager, new hire, stakeholder, coworker
gaming; dungeon master notes, speedrun, puzzle room, save file, boss fight, board game night, character sheet, house rules, loot
  table, pixel art, map editor, co-op mode; design, balance, explain, mod, beat, improvise, write; grindy, cosy, overpowered,
  cryptic, competitive, buggy; dungeon master, teammates, streamer, little brother
woodworking; dovetail joint, workbench, table saw, oak board, wood glue, hand plane, bookshelf, varnish, chisel, cutting list,
  sanding block, hinge mortise; plan, clamp, finish, sharpen, square up, cut, join; warped, splintery, quarter-sawn, wobbly,
  glossy, green; carpenter, shop teacher, hobbyist, father-in-law
astronomy; meteor shower, telescope mount, lunar eclipse, exoplanet, star chart, light pollution, nebula, orbital period, comet,
  space probe, red dwarf, sundial; observe, locate, photograph, explain, calculate, predict, draw; faint, distant, elliptical,
  retrograde, bright, tidally locked; astronomer, stargazing club, daughter, planetarium guide
climate and energy; solar panel, heat pump, carbon price, rainfall record, battery storage, sea level, wind farm, home
  insulation, methane, electric car, tariff, drought; size, compare, estimate, explain, offset, install, finance; intermittent,
  extreme, efficient, subsidised, coastal, renewable; installer, energy adviser, neighbour, councillor
geography; river delta, border town, census map, monsoon, mountain pass, capital city, fault line, time zone, rainforest, port,
  island chain, dialect map; locate, compare, describe, draw, explain, rank, memorise; landlocked, arid, densely populated,
  volcanic, remote, fertile; geographer, exchange student, pen pal, guide
networking at home; router, wifi dead zone, port forwarding, mesh node, ethernet cable, guest network, smart plug, dns setting,
  modem light, printer, latency, backup drive; configure, reset, extend, secure, troubleshoot, test, rename; slow, unstable,
  encrypted, unreachable, outdated, overloaded; provider, flatmate, technician, mum
phones and laptops; battery drain, cracked screen, cloud backup, storage warning, update loop, keyboard layout, bluetooth
  headset, password manager, fan noise, lock screen, charger, app permission; fix, transfer, wipe, speed up, set up, repair,
  migrate; frozen, overheating, refurbished, unresponsive, noisy, locked; support agent, granddad, repair shop, coworker
public speaking; toast, slide deck, keynote, nerves, opening joke, Q&A, eulogy, elevator pitch, panel talk, handout, microphone,
  closing line; rehearse, open, trim, structure, deliver, improvise, time; boring, moving, rushed, monotone, inspiring, stiff;
  audience, moderator, speech coach, sister
crafts; crochet pattern, knitting gauge, quilt block, embroidery hoop, paper model, candle wax, pottery glaze, sewing pattern,
  leather wallet, beadwork, dye bath, origami crane; knit, hem, resize, unravel, dye, block, mend; chunky, frayed, lopsided,
  pastel, felted, reversible; craft circle, niece, seamstress, beginner
volunteering; food drive, grant application, charity run, donor letter, beach clean-up, community garden, shift rota,
  fundraiser, youth club, book sale, safeguarding form, volunteer handbook; organise, promote, staff, write, thank, schedule,
  fund; understaffed, local, heartwarming, last-minute, anonymous, annual; coordinator, donor, parish, committee
buying a car; test drive, trade-in, mileage, timing belt, warranty, hybrid, lease, winter tyres, dealership, service history,
  roof rack, charging cable; inspect, finance, sell, compare, service, haggle over, register; rusty, low-mileage, overpriced,
  automatic, reliable, dented; dealer, mechanic, wife, previous owner
moving house; moving boxes, floor plan, utility meter, removal van, storage unit, change of address, housewarming, studio flat,
  deposit, inventory, parking permit, key handover; label, pack, book, declutter, measure, furnish, hand over; cramped, sunny,
  chaotic, unfurnished, noisy, temporary; estate agent, movers, new neighbours, ex-flatmate
politics and civics; city council, ballot, zoning plan, petition, coalition, speech, tax reform, referendum, public
  consultation, voting system, bus lane, school board; summarise, explain, debate, oppose, compare, follow, phrase; partisan,
  unpopular, transparent, controversial, local, proportional; councillor, activist, journalist, voter
film and books; director's cut, book club, adaptation, ending, short story, documentary, plot hole, trilogy, film score, reading
  list, subtitle, biography; review, recommend, interpret, spoil, discuss, rank, summarise; slow-burning, overrated, cult,
  surreal, bleak, charming; critic, librarian, film student, cousin
"""


def _parse(line: str) -> Topic:
    name, *rest = (part.strip() for part in line.split(";"))
    things, actions, qualities, people = (tuple(entry.strip() for entry in part.split(",")) for part in rest)
    return Topic(name, things, actions, qualities, people)


TOPICS: tuple[Topic, ...] = tuple(_parse(line) for line in _LINES.strip().replace("\n  ", " ").splitlines())
