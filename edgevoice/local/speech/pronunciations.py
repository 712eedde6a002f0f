"""Pronunciations of the vocabulary's words, in ARPABET. Pure.

``AX`` is the vowel at the end of "alexa", ``AH`` the one in "up". From the CMU pronouncing dictionary, with variants
for other accents and for the network itself: it hears "two" with a "w", and an "r" only where one is spoken. A word may
have any number of pronunciations.
"""

Phonemes = tuple[str, ...]

SPELLING = {
    "AA": "o",
    "AE": "a",
    "AX": "a",
    "AH": "u",
    "AO": "o",
    "AW": "ow",
    "AY": "y",
    "B": "b",
    "CH": "ch",
    "D": "d",
    "DH": "th",
    "EH": "e",
    "ER": "er",
    "EY": "ay",
    "F": "f",
    "G": "g",
    "HH": "h",
    "IH": "i",
    "IY": "ee",
    "JH": "j",
    "K": "k",
    "L": "l",
    "M": "m",
    "N": "n",
    "NG": "ng",
    "OW": "o",
    "OY": "oy",
    "P": "p",
    "R": "r",
    "S": "s",
    "SH": "sh",
    "T": "t",
    "TH": "th",
    "UH": "oo",
    "UW": "oo",
    "V": "v",
    "W": "w",
    "Y": "y",
    "Z": "z",
    "ZH": "zh",
}
"""Every phoneme, and its spelling if it belongs to no known word."""

_WAYS = """
a: AX, EY, AE, ER
about: AX B AW T
add: AE D
again: AX G EH N, AX G EY N
alarm: AX L AA R M, AX L AA M
alarms: AX L AA R M Z, AX L AA M Z
alexa: AX L EH K S AX
all: AO L
an: AE N, AX N
and: AX N D, AE N D
another: AX N AX DH ER, AX N AX DH AX, AX N AH DH ER, AX N AH DH AX
are: AA R, AA, ER
as: AE Z
ask: AE S K, AA S K, AO S K
at: AE T, AX T
be: B IY
bed: B EH D
before: B AX F AO R, B IH F AO
bins: B IH N Z
bit: B IH T
bread: B R EH D
brief: B R IY F
bye: B AY
cake: K EY K
call: K AO L
can: K AE N, K AX N
cancel: K AE N S AX L, K AE N S EH L, K AE N S IH L
cat: K AE T
change: CH EY N JH
clear: K L IH R
coffee: K AO F IY, K AA F IY
continue: K AX N T IH N Y UW, K AH N T IH N Y UW
correct: K ER EH K T
dad: D AE D
date: D EY T
day: D EY
delete: D IH L IY T
did: D IH D
didn't: D IH D AX N T, D IH D N T, D IH D AX N, D IH N T
different: D IH F ER AX N T
do: D UW
does: D AX Z, D IH Z, D AH Z
dog: D AO G, D AA G
don't: D OW N T, D OW N
down: D AW N
egg: EH G, EY G
eight: EY T
eighteen: EY T IY N
eighty: EY T IY
eleven: IH L EH V AX N, IY L EH V AX N, AX L EH V AX N
evening: IY V N IH NG, IY V IH N IH NG
every: EH V R IY, EH V ER IY, EH V AX R IY
everything: EH V ER IY TH IH NG, EH V R IH TH IH NG
fail: F EY L, F EY AX L
faster: F AE S T ER, F AA S T AX, F AE S T AX, F AO S T AX
feed: F IY D
fifteen: F IH F T IY N
fifty: F IH F T IY
five: F AY V
for: F AO R, F ER, F R ER, F AO, F AX, F R AX
forget: F ER G EH T, F AO R G EH T, F AO G EH T
forty: F AO R T IY, F AO T IY
four: F AO R, F AO
fourteen: F AO R T IY N, F AO T IY N
go: G OW
good: G UH D, G IH D
goodbye: G UH D B AY
half: HH AE F, HH AA F
he: HH IY
hello: HH AX L OW, HH EH L OW
help: HH EH L P
hey: HH EY, EY, HH IY, HH AY
hour: AW ER, AW R, HH AW ER, N AW ER, AW AX, HH AW AX, N AW AX
hours: AW ER Z, AW R Z, HH AO R Z, HH AW ER Z, HH AO Z
how: HH AW
hundred: HH AX N D R AX D, HH AX N D R IH D, HH AX N ER D, HH AX N D ER D, HH AH N D R AX D
i: AY
if: IH F
instead: IH N S T EH D
is: IH Z, IY S, IY Z
it: IH T, IH D, EH T, IY
jarvis: JH AA R V AX S, JH AA R V IH S, JH AA V IH S, JH AA V AX S, JH AA R V IY S, CH AA R V IH S, JH AO V IH S
joke: JH OW K
know: N OW
laundry: L AO N D R IY, L AA N D R IY
left: L EH F T
like: L AY K
long: L AO NG, L AA NG
louder: L AW D ER, L AW D AX
make: M EY K
me: M IY
mean: M IY N
medicine: M EH D IH S IH N, M EH D AX S AX N, M EH D S IH N
memory: M EH M ER IY
mind: M AY N D
minute: M IH N AX T, M AY N UW T, M AY N Y UW T, M IH N UW T, M IH N IH T, M IH N Y UW T
minutes: M IH N AX T S, M IH N UW T S, M IH N IH T S, M IH N Y UW T S
morning: M AO R N IH NG, M AO N IH NG
much: M AH CH
mum: M AH M, M AX M, M AA M
mute: M Y UW T
my: M AY
mycroft: M AY K R AO F T
never: N EH V ER, N EH V AX
night: N AY T
nine: N AY N
nineteen: N AY N T IY N
ninety: N AY N T IY
no: N OW
not: N AA T, N AO T
now: N AW
off: AO F
okay: OW K EY
on: AA N, AO N
one: W AX N, W AH N, W AA N
out: AW T
oven: AH V AX N
pasta: P AA S T AX, P AE S T AX
pause: P AO Z
percent: P ER S EH N T, P AX S EH N T, P ER S EH N
pirate: P AY R AX T
pizza: P IY T S AX
plants: P L AE N T S, P L AA N T S
please: P L IY Z
quarter: K W AO R T ER, K W AO T AX
quiet: K W AY AX T
quieter: K W AY AX T ER, K W AY AX T AX, K W AY IH T ER, K W AY IH T AX
raspy: R AE S P IY
remember: R AX M EH M B ER, R IH M EH M B AX, R AX M EH M B AX
remind: R IY M AY N D, R IH M AY N D, R AX M AY N D
repeat: R IH P IY T, R IY P IY T
resume: R IH Z UW M, R IY Z UW M, R AX Z UW M, R IH Z Y UW M
rice: R AY S
right: R AY T
said: S EH D
say: S EY
second: S EH K AX N D
seconds: S EH K AX N D Z
set: S EH T
seven: S EH V AX N
seventeen: S EH V AX N T IY N
seventy: S EH V AX N T IY, S EH V AX N IY
she: SH IY
should: SH UH D
six: S IH K S
sixteen: S IH K S T IY N
sixty: S IH K S T IY
slow: S L OW
slower: S L OW ER, S L OW AX
snooze: S N UW Z, S N OW Z, S UW Z
speak: S P IY K
stop: S T AA P, S T AO P
story: S T AO R IY, S T AO IY
storyteller: S T AO R IY T EH L ER, S T AO R IH T EH L AX, S T AO R IY T EH L AX, S T AO R IY D EH L ER
sure: SH UH R, SH AO, SH UH AX
take: T EY K
talk: T AO K
tea: T IY
teacher: T IY CH ER, T IY CH AX
tell: T EH L
ten: T EH N
thank: TH AE NG K
thanks: TH AE NG K S
that: DH AE T, DH AX T, D AE T
the: DH AX, DH IY
thirteen: TH ER T IY N
thirty: TH ER D IY, TH ER T IY
three: TH R IY
time: T AY M
timer: T AY M ER, T AY M AX, T AY M EH R, T AY M AO, T AY M AO F
timers: T AY M ER Z, T AY M AX Z
to: T UW, T IH, T AX, T OW, T UH
today: T AX D EY, T UW D EY, T AX EY, D AX D EY
today's: T AX D EY Z, T UW D EY Z
trash: T R AE SH
turn: T ER N, T AX N, T UH N, T OW N
twelve: T W EH L V
twenty: T W EH N T IY, T W EH N IY
two: T UW, T W OW, T OW
undo: AH N D UW, AX N D UW
up: AX P, AH P
voice: V OY S
volume: V AA L Y UW M, V AO L Y UW M
wake: W EY K
water: W AO T ER, W AO T AX, W AA D ER, W AO D ER
weekdays: W IY K D EY Z
what: W AX T, HH W AX T, HH W AA T, W AA T, HH W AO T, W AH T
what's: W AX T S, HH W AX T S, HH W AE T S, HH W AA T S, W AA T S
when: W EH N, HH W EH N, W IH N, HH W IH N
why: W AY, HH W AY
will: W IH L, W AX L
wrong: R AO NG
yeah: Y AE, Y EH, Y EH AX
yes: Y EH S, Y AX S, Y EH
you: Y UW
your: Y UH R, Y AO
yourself: Y ER S EH L F, Y AO S EH L F
zero: Z IH R OW, Z IY R OW
"""
PRONUNCIATIONS = {
    word: tuple(tuple(way.split()) for way in ways.split(","))
    for word, ways in (line.split(": ") for line in _WAYS.strip().splitlines())
}
"""Every word of the vocabulary, and the ways to say it."""


def pronunciations(word: str) -> tuple[Phonemes, ...]:
    """Return the pronunciations of ``word``; raise KeyError if it is not in the table."""
    return PRONUNCIATIONS[word]
