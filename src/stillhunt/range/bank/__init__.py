"""The written bank: the range's own texts, so that a world needs nothing but the package.

In: a `random.Random` for each draw. Out: the nouns of `range.texts` (exchanges, conversations, applications, jobs).
May import: `range.texts` and the modules of this folder; it reads no file and knows no network.
Patterns and vocabularies are data (`topics`, `people`, `languages`, `code`, parts of `products` and `work`); `grammar`
draws from them; `voices` composes; `source.BankTexts` is the door.
"""
