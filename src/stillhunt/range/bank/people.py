# ruff: noqa: E501 - one pattern a line reads best
"""How people write to a model, in English: openings, requests, circumstances, follow-ups, closings.

Written so that no run of four words is common to many people: between two slots or alternatives stand at most a few words.
Late slots: {thing}, {act}, {quality}, {person}, {field} of one topic.
"""

from __future__ import annotations

LATE = ("thing", "act", "quality", "person", "field")

VOCABULARY: dict[str, tuple[str, ...]] = {
    "when": (
        "yesterday", "last week", "since march", "for ages", "on tuesday", "this morning", "over the holidays", "two days ago", "last summer",
        "for [two|three|four|five|six|eight] [weeks|months|days|years]", "before christmas", "tonight", "after work", "around noon",
        "[early|late] [in the week|this year|last month|in the day]", "all weekend", "[ever |]since [we moved|spring|the flood|june|my exam]", "on and off", "just now", "by friday",
        "until [monday|wednesday|the 12th|the 30th|easter|october]", "next [month|term|thursday|spring]", "twice already", "every other day",
    ),
    "amount": (
        "{n}", "{n}", "about {n}", "roughly {n}", "{n} or {n}", "at least {n}", "no more than {n}", "a dozen", "half", "a couple of", "hardly any",
    ),
    "n": tuple(str(number) for number in (*range(2, 31), 35, 40, 45, 48, 50, 60, 64, 70, 72, 75, 80, 90, 96, 100, 120, 150, 180, 250, 400, 750, 1200)),
    "where": (
        "at home", "in the kitchen", "at work", "in [town|a village|the city|a suburb|the valley]", "abroad", "near the coast", "in my flat", "at school", "up north", "in the basement",
        "on the balcony", "at [her|his|my|our|their] place", "in class", "downtown", "at the club", "in the countryside", "on the train", "online",
    ),
    "feel": (
        "frustrated", "curious", "stuck", "overwhelmed", "nervous", "excited", "confused", "tired of it", "optimistic", "lost", "a bit embarrassed",
        "not convinced", "out of ideas", "torn", "impatient", "fairly confident", "sceptical", "hopeful", "annoyed", "unsure",
    ),
    "shape": (
        "a table", "bullets", "a short list", "one paragraph", "plain words", "steps", "a checklist", "a few sentences", "a diagram in text", "a timeline",
        "a letter", "an e-mail", "a poem", "a script", "pros and cons", "a rough sketch", "a one-liner", "a dialogue", "questions and answers", "a story",
    ),
    "tone": (
        "friendly", "formal", "funny", "neutral", "gentle", "direct", "dry", "enthusiastic", "academic", "casual", "sarcastic", "plain", "serious",
        "encouraging", "laid-back", "diplomatic", "crisp", "warm",
    ),
    "reader": (
        "a child", "my {person}", "beginners", "an expert", "my class", "someone in a hurry", "the {person}", "a committee", "total strangers", "teenagers",
        "people who hate {field}", "my grandparents", "a sceptic", "non-native speakers", "the whole team", "a {quality} audience",
    ),
    "det": ("my", "the", "our", "this", "that", "her", "his", "your typical", "some", "their", "any"),
    "why": (
        "my {person} insists", "i promised {det} {person}", "money is tight", "it came out {quality}", "the {thing} was {quality}", "nobody here knows",
        "i keep forgetting", "we lost {det} {thing}", "time is short", "{det} {thing} broke", "[last|first|each|one] [attempt|try|round|go] [was|felt|proved] {quality}", "i read otherwise",
        "it matters for {field}", "she asked twice", "he is {quality}", "guests are coming", "the rules changed", "[my|our|all] notes are [useless|gone|messy|{quality}]",
    ),
}  # fmt: skip

OPENINGS = (
    "hi", "hello", "hey", "hey there", "good [morning|evening|afternoon]", "ok so", "quick one:", "question:", "so,", "um,", "hello again", "yo",
    "dear assistant", "hi, {feel} here", "[random|weird|silly|dumb|serious|small|probably basic] question", "help", "need [advice|ideas|a hand|input]",
    "[about|re|regarding|concerning] {det} {thing}:", "{field} question", "context: {field}", "so my {person} {when}...", "not sure where to start.",
    "[i am|i'm|im] {feel}.", "bear with me", "long story", "tell me", "be honest", "[alright|okay|right|fine|well],", "background: {why}",
    "{field}, {quality} case", "for {reader}:", "follow-up from {when}:", "me again", "[please|pls] help", "new topic", "new to {field}", "urgent",
)  # fmt: skip

REQUESTS = (
    "how [do|would|should|can|could] [i|we|you|one|somebody] {act} {det} {thing}[ when it is {quality}| {where}| without {det} {thing}|]?",
    "what [makes|keeps|turns] {det} {thing} [so |too |rather |]{quality}[ {when}|]?",
    "[can|could|would] you {act} {det} {quality} {thing}[ for {reader}| in {shape}|]?",
    "why [is|does|did|would] {det} {thing} [turn|get|seem|look|become|stay] {quality} [after|before|during|despite|without] {det} {thing}?",
    "[explain|describe|outline|sketch|summarise|walk me through|break down] {det} {thing} [to|for] {reader}",
    "give me {amount} [ideas|tips|examples|variants|reasons|options|names] [for|on|around] {det} {quality} {thing}",
    "is [it|that] [normal|ok|safe|worth it|wise|legal|silly] to {act} {det} {thing} {when}?",
    "{det} {thing} [or|versus|vs|compared to] {det} {thing}, which is [better|less {quality}|simpler|cheaper|right] [for {reader}|{where}|]?",
    "write {shape} about {det} {thing}[ in a {tone} voice| for {reader}|, {tone}|]",
    "[plan|draft|make|prepare|put together] {shape} [so that|where|in which] {det} {person} can {act} {det} {thing}",
    "i [want|need|have|hope|plan|am trying] to {act} {det} {thing} [but|and|while] {why}",
    "my {person} [says|thinks|claims|swears|believes] {det} {thing} is {quality}. [true?|agree?|really?|is that so?|thoughts?|why?]",
    "what [would|could] a {person} [say|do|ask|recommend] [about|with] {det} {thing}?",
    "[rewrite|rephrase|fix|shorten|polish|improve] this: {det} {thing} [was|is|became|felt] {quality} {when} [because|since|so|though] {why}",
    "best way to {act} {thing}[ {where}| if {why}| with {amount} {thing}|]",
    "what is the [difference|connection|trade-off|link] between {thing} and {thing}[, {tone} please| for {reader}|]?",
    "[translate|put] '{det} {thing} is {quality} because {why}' into [french|german|spanish|italian|portuguese|dutch|polish|turkish|latin]",
    "[pretend to be|act like|play|imagine you are] a {quality} {person} and [comment on|sell me|argue against|review] {det} {thing}",
    "how [long|much|often|far|many people] [for|with|behind] {det} {quality} {thing}?",
    "does {det} {thing} [need|affect|replace|require|ruin] {det} {thing}?",
    "[rank|compare|list|sort] {det} {thing}, {det} {thing} and {det} {thing} by [price|effort|risk|taste|how {quality} they get]",
    "what [happens|goes wrong] if {det} {person} [forgets|drops|ignores|sells|repeats] {det} {thing}?",
    "[check|correct|mark|criticise|judge] my plan: {act} {det} {thing} {when}, then {act} {det} {thing}",
    "[recommend|suggest|name] {amount} [books|videos|places|tools|exercises|articles] [on|for|about] {thing} [that are not {quality}|for {reader}|]",
    "my {thing} is {quality} and {det} {thing} too, [what now|any idea|coincidence|where do i start|who do i call]?",
    "[when|where|who] [should|does] {det} {person} {act} {det} {thing}?",
    "{thing} for [dummies|{reader}|absolute newcomers|impatient people], {shape}",
    "[calculate|estimate|guess] how [much|many|long] {det} {thing} [costs|takes|lasts|weighs|saves] with {amount} {thing}",
    "could {det} {quality} {thing} be [why|the reason] {why}?",
    "[come up with|invent|find] a {tone} [title|slogan|name|headline|joke|excuse|riddle] [involving|for|about] {det} {thing}",
    "[debate|discuss] whether {det} {person} should {act} {det} {thing}",
    "turn {det} {thing} into {shape}",
    "[history|science|meaning|basics|future|psychology|economics] of {det} {thing} in {shape}",
    "{det} {person} wants {shape} on {thing}, {tone}, {amount} [words|lines|points|minutes]",
    "[i heard|someone told me|apparently|reading that] {thing} can {act} itself, [no way?|how?|is it {quality}?|sounds {quality}]",
    "[test|quiz] me on {thing} and {thing}",
    "which {thing} [suits|fits] a {quality} {person}?",
    "the {person} offered {amount} for {det} {thing}. [fair|too low|accept|counter]?",
    "[do|did] {person}s really {act} {det} {thing}[ {where}| {when}|]?",
    "[common|typical|funny|famous] mistakes with {thing} [and how|to avoid|people make] {when}",
    "[step by step|slowly|briefly|in detail]: {act} {det} {thing}",
    "if {why}, [can|should|may] i still {act} {det} {thing}?",
    "[dos and don'ts|pros and cons|myths] {thing}",
    "[message|reply|note|apology|reminder] to my {person} about {det} {quality} {thing}, {tone}",
    "[convince|persuade|remind] {det} {person} to {act} {det} {thing} in {shape}",
    "[any alternative|substitute|replacement] for {det} {thing} [{where}|since {why}|]?",
    "{thing}?",
    "{quality} {thing} {where}, {act} or [leave it|throw away|wait|call {det} {person}]?",
    "{act} {thing} [quickly|properly|cheaply|at night|by hand|with kids|alone]",
    "[tell|teach|show] me something {tone} [about|regarding] {thing} {where}",
)  # fmt: skip

DETAILS = (
    "{why}.", "it was {quality} {when}.", "{when} {det} {person} tried to {act} {det} {thing}.", "[already|also|just|even] [tried|bought|checked|sold] {det} {thing}.",
    "[budget|limit|maximum] is {amount}.", "we live {where}.", "{det} {thing} [comes first|can wait|is optional|stays], {why}.",
    "[no|without] {thing} please.", "{amount} {thing} [would do|is too much|are enough|so far].", "honestly i feel {feel}.", "my {person} is {feel} too.",
    "the {thing} i have is {quality}, the {thing} less so.", "[keep|make] it {tone}.", "[must|should] fit {reader}.",
    "last time {det} {thing} [ended up|looked|sounded|went] {quality}.", "[note|remember|careful]: {det} {person} hates {thing}.",
    "i only have {amount} [minutes|euros|people|pages|days|tries].", "{when} we [started|stopped|changed|noticed] {thing}.",
    "[unlike|like|besides] {det} {thing}, {det} {thing} is {quality}.", "[some|other|most] people {act} {det} {thing} {where}.",
    "[maybe|perhaps|possibly|surely] {det} {thing} is [behind it|to blame|{quality}|missing].", "[works|fails|breaks|helps|itches|waits] {when}.",
    "{det} {person} and {det} {person} [disagree|argue|are {feel}|want different things].", "think {quality}, {quality}, never {quality}.",
    "[attached|below|here]: {thing} {n}, {thing} {n}, {thing} {n}.", "i'd rather not {act} {thing} again.", "so far: {act}, {act}, and {act}.",
    "[at {n}%|with {n} left|{n} times] it gets {quality}.", "{where} it is different.", "[sorry, my english|excuse the english|not a native speaker].",
    "[don't|do not|never] mention {det} {thing}.", "[use|try|include|add|skip] {thing} and {thing}.", "my {thing} dates [from|back to] {n} years ago.",
    "[between|among] us, {why}.", "{det} {quality} one [cost|took|needed] {amount}.", "a {person} [suggested|recommended|mentioned] {thing} {when}.",
    "what [worries|interests|bugs|puzzles] me is {det} {thing}.", "then {det} {thing} [appeared|stopped|failed|arrived] {where}.",
    "[goal|aim|dream]: a {quality} {thing}.", "[deadline|due|needed] {when}.",
)  # fmt: skip

CLOSINGS = (
    "thanks", "thx", "thank you", "cheers", "ty!", "please", "pls", "[thanks|cheers|merci|danke] in advance", "be {tone}", "in {shape}", "keep it {tone}",
    "no {thing} talk", "{shape} would be [great|nice|lovely|ideal|enough]", "what do you think", "any ideas", "[max|under|around] {n} words", "am i wrong?",
    "go", "hope that makes sense", "{feel} already", "short answer", "[long|detailed|honest|simple] answer please", "as {shape}", "with sources if possible",
    "i need it {when}", "explain why", "no rush", "asap", "{person} [waiting|is here|calls soon]", "and {det} {thing}?", "or not?", "sorry for {det} {thing}",
)  # fmt: skip

FOLLOW_UPS = (
    "[ok|okay|great|hmm|cool|right|thanks|nice], [and|but|so] what about {det} {thing}?", "[shorter|longer|simpler|funnier|again] please",
    "[make|can you make] it [more|less] {tone}", "why {quality} though?", "what if {why}?", "i don't [get|like|see|understand] {det} {thing} part",
    "[can|could] you {act} {det} {thing} [instead|as well|first|differently]?", "now for {reader}", "that's [wrong|not it|perfect|odd|better], {why}",
    "[another|one more|a different] [example|version|idea], with {thing}", "in {shape} [now|please|this time]", "[go on|continue|more|keep going|next]",
    "[remove|drop|replace|expand] {det} {thing}", "[how sure|are you sure|certain], {det} {quality} {thing}?", "and {when}?", "and {where}?", "[still true|and|works too] if {why}[?|]",
    "my {person} [read|saw|tried] it and [said|found|felt] {quality}", "[add|include] {amount} {thing}", "[which|what] {thing} exactly?", "{det} {thing} too?",
    "wait, {det} {thing} is {quality} {when}", "[translate|put] it in [german|french|spanish|simple english|hindi|portuguese]", "[try|start] over, {tone}",
    "so {act} first, then {act}?", "[isn't|wasn't] {det} {thing} {quality}?", "{amount} or {amount}?", "what would a {person} say", "too {quality} for {reader}",
    "[good|fair|valid] point. {why}, though", "do it for {thing}", "[who|what] told you {why}", "yes", "no, {quality}", "[second|first|last] one[, but| but|,] {tone}",
    "{det} {thing} [and|has nothing to do with|belongs with] {thing}[, right|, or|]?", "ignore {det} {thing}, [focus on|look at|think of] {thing}", "hm {feel} now", "lol. {thing}?",
    "cost?", "[compare|combine] both with {thing}", "[finish|end|open] with {det} {thing}", "[rate|score] my {thing}: {quality}, {quality}",
    "[could|might] {det} {person} {act} it {where}?", "last question: {thing} {when}?", "{shape}, {amount} [lines|words|points]", "same for {thing} and {thing}",
)  # fmt: skip

STATEMENTS = (
    "[A|Any|Every] {quality} {thing} [usually|often|rarely|sometimes] [starts|begins|ends] with {det} {thing}, [which|and that] is why {person}s {act} it [early|slowly|twice].",
    "[First|Second|Third|Then|Next|Finally], {act} {det} {thing} and [check|see|note] whether it [is|feels|looks] {quality}.",
    "[It helps|It pays|You may want|Plan] to {act} {det} {thing} [before|after|while] {det} {thing} [becomes|turns|gets] {quality}.",
    "[In practice|In general|Typically|On the whole], {thing} and {thing} [go together|compete|influence each other], [especially|even|mostly] {where}.",
    "If {det} {thing} [stays|remains|looks] {quality}, [ask|consult|talk to] a {person} [before|instead of] [trying|attempting|hoping] to {act} it [yourself|again|{when}].",
    "[The|One] [main|hidden|usual|simplest] [reason|cause|difference|risk] is {det} {thing}: [once|when|if] it is {quality}, {det} {thing} [follows|suffers|changes].",
    "[Consider|Think of|Take|Picture] {det} {thing} as {det} {quality} {thing} that [needs|wants|deserves] [time|care|patience|{amount} {thing}].",
    "[Roughly|About|Some] {n} [percent|minutes|parts|people] [out of {n}|in total|on average] [is|are] [enough|typical|fine] for {det} {quality} {thing}.",
    "[Avoid|Skip|Postpone] {det} {thing} [while|as long as|if] {why}.",
    "[However|Still|That said|On the other hand], {person}s [disagree|differ|argue] [about|over] {det} {thing}, and [both|neither] [side|view] is {quality}.",
    "[Keep|Write down|Record] {det} {thing} {when}, so that {det} {person} can {act} {det} {thing} [later|in turn|without you].",
    "[What matters|The point|The trick] is not {det} {thing} but {det} {quality} {thing} [behind|beside|after] it.",
    "[For example|For instance|Say], a {person} [might|could|would] {act} {det} {thing} {where} and [find|notice|report] that it [was|had become] {quality}.",
    "[Historically|Technically|Formally|Strictly speaking], {thing} [refers to|grew out of|depends on] {thing} [rather than|as much as|more than] {thing}.",
    "[Step|Option|Point] {n}: {act} {det} {thing}; [expect|allow|aim for] {amount} {thing}.",
    "[Because|Since|As] {why}, {det} {thing} [tends|is likely|has] to [be|become|stay] {quality}.",
    "[Choose|Pick|Prefer] {det} {thing} [when|where] {det} {person} is {feel}, and {det} {thing} [otherwise|for {reader}|{where}].",
    "[To sum up|In short|Overall|So], {act} {det} {thing}, [leave|respect|mind] {det} {thing}, and [be|stay] {tone}.",
    "[Compared with|Next to] {det} {thing}, {det} {thing} is [far|slightly|somewhat|hardly] [more|less] {quality}.",
    "[This|That] [also|only|even] [works|applies|holds] [for|with] {det} {quality} {thing}, [provided|assuming|unless] {why}.",
)  # fmt: skip
