"""Words that people say to one another and not to the box, with their pronunciations. Pure.

The most frequent words of English that `pronunciations` has not, as the CMU pronouncing dictionary says them. In the
search they compete with the commands: "turn it over" is no "turn it up".
"""

from edgevoice.local.speech.pronunciations import Phonemes

_WAYS = """
able: EY B AX L; act: AE K T; actually: AE K CH UW AX L IY, AE K CH L IY, AE K SH AX L IY; after: AE F T ER
against: AX G EH N S T, AX G EY N S T; age: EY JH; ago: AX G OW; air: EH R; almost: AO L M OW S T; along: AX L AO NG
already: AO L R EH D IY, AO R EH D IY; also: AO L S OW; although: AO L DH OW; always: AO L W EY Z, AO L W IY Z
am: AE M, EY EH M; american: AX M EH R AX K AX N, AX M EH R IH K AX N; among: AX M AH NG; any: EH N IY
anyone: EH N IY W AH N, EH N IY W AX N; anything: EH N IY TH IH NG; area: EH R IY AX; around: ER AW N D, ER AW N
art: AA R T; asked: AE S K T, AE S T; away: AX W EY; back: B AE K; bad: B AE D; based: B EY S T
because: B IH K AO Z, B IH K AH Z, B IH K AA Z; become: B IH K AH M; been: B IH N, B AX N; behind: B IH HH AY N D
being: B IY IH NG; believe: B IH L IY V; best: B EH S T; better: B EH T ER; between: B IH T W IY N, B IY T W IY N
big: B IH G; black: B L AE K; body: B AA D IY; book: B UH K; both: B OW TH; building: B IH L D IH NG
business: B IH Z N AX S, B IH Z N IH S; but: B AH T; buy: B AY; by: B AY; called: K AO L D; came: K EY M
can't: K AE N T; car: K AA R; care: K EH R; case: K EY S; cause: K AA Z, K AO Z; check: CH EH K; child: CH AY L D
children: CH IH L D R AX N; city: S IH T IY; class: K L AE S; close: K L OW S, K L OW Z; come: K AH M; comes: K AH M Z
coming: K AH M IH NG; community: K AX M Y UW N AX T IY, K AX M Y UW N IH T IY; company: K AH M P AX N IY
control: K AX N T R OW L; could: K UH D; country: K AH N T R IY; course: K AO R S; court: K AO R T
data: D EY T AX, D AE T AX; days: D EY Z; deal: D IY L; death: D EH TH; development: D IH V EH L AX P M AX N T
doesn't: D AH Z AX N T, D AH Z AX N; doing: D UW IH NG; done: D AH N; due: D UW, D Y UW
during: D UH R IH NG, D Y UH R IH NG, D ER IH NG; each: IY CH; early: ER L IY; easy: IY Z IY
either: IY DH ER, AY DH ER; else: EH L S; end: EH N D; enough: IH N AH F, IY N AH F; even: IY V IH N; ever: EH V ER
everyone: EH V R IY W AH N; face: F EY S; fact: F AE K T; family: F AE M AX L IY, F AE M L IY; far: F AA R
feel: F IY L; few: F Y UW; find: F AY N D; fire: F AY ER, F AY R; first: F ER S T; following: F AA L OW IH NG
food: F UW D; form: F AO R M; found: F AW N D; free: F R IY; friend: F R EH N D; friends: F R EH N D Z, F R EH N Z
from: F R AH M; full: F UH L; fun: F AH N; further: F ER DH ER; future: F Y UW CH ER; game: G EY M; games: G EY M Z
general: JH EH N ER AX L, JH EH N R AX L; get: G EH T, G IH T; getting: G EH T IH NG, G IH T IH NG; girl: G ER L
give: G IH V; given: G IH V AX N, G IH V IH N; god: G AA D; going: G OW IH NG, G OW IH N; gonna: G AA N AX
got: G AA T; government: G AH V ER M AX N T, G AH V ER N M AX N T; great: G R EY T; group: G R UW P; guy: G AY
guys: G AY Z; had: HH AE D; hand: HH AE N D; happy: HH AE P IY; hard: HH AA R D; has: HH AE Z, HH AX Z; have: HH AE V
having: HH AE V IH NG; he's: HH IY Z; head: HH EH D; health: HH EH L TH; heart: HH AA R T; her: HH ER; here: HH IY R
high: HH AY; him: HH IH M, IH M; his: HH IH Z; history: HH IH S T ER IY, HH IH S T R IY; hit: HH IH T; home: HH OW M
hope: HH OW P; house: HH AW S; however: HH AW EH V ER; human: HH Y UW M AX N, Y UW M AX N; i'd: AY D; i'll: AY L
i'm: AY M, AX M; i've: AY V; idea: AY D IY AX; important: IH M P AO R T AX N T; in: IH N
including: IH N K L UW D IH NG; information: IH N F ER M EY SH AX N, IH N F AO R M EY SH AX N
international: IH N T ER N AE SH AX N AX L, IH N ER N AE SH AX N AX L; into: IH N T UW, IH N T AX
isn't: IH Z AX N T, IH Z AX N; it's: IH T S; its: IH T S; job: JH AA B, JH OW B; john: JH AA N
just: JH AH S T, JH IH S T; keep: K IY P; kind: K AY N D; known: N OW N; large: L AA R JH; last: L AE S T, L AE S
late: L EY T; later: L EY T ER; law: L AO, L AA; least: L IY S T; leave: L IY V; less: L EH S; let: L EH T
level: L EH V AX L; life: L AY F; light: L AY T; line: L AY N; little: L IH T AX L; live: L AY V, L IH V
living: L IH V IH NG; local: L OW K AX L; look: L UH K; looking: L UH K IH NG; looks: L UH K S; lost: L AO S T
lot: L AA T, L AO T; love: L AH V; low: L OW; made: M EY D; major: M EY JH ER; makes: M EY K S; making: M EY K IH NG
man: M AE N; many: M EH N IY; market: M AA R K AX T, M AA R K IH T; matter: M AE T ER; may: M EY; maybe: M EY B IY
means: M IY N Z; media: M IY D IY AX; members: M EH M B ER Z; men: M EH N; might: M AY T; million: M IH L Y AX N
money: M AH N IY; months: M AH N TH S; more: M AO R; most: M OW S T, M OW S; move: M UW V; music: M Y UW Z IH K
must: M AH S T; myself: M AY S EH L F; name: N EY M; national: N AE SH AX N AX L, N AE SH N AX L; near: N IH R
need: N IY D; needs: N IY D Z; new: N UW, N Y UW; news: N UW Z, N Y UW Z; next: N EH K S T, N EH K S
nice: N AY S, N IY S; non: N AA N; north: N AO R TH; nothing: N AH TH IH NG; number: N AH M B ER; of: AH V
office: AO F IH S; often: AO F AX N, AO F T AX N; oh: OW; old: OW L D; once: W AH N S; only: OW N L IY
open: OW P AX N; or: AO R, ER; order: AO R D ER; other: AH DH ER; others: AH DH ER Z; our: AW ER, AW R, AA R
over: OW V ER; own: OW N; part: P AA R T; party: P AA R T IY; past: P AE S T; pay: P EY; people: P IY P AX L
per: P ER; person: P ER S AX N; phone: F OW N; place: P L EY S; plan: P L AE N; play: P L EY; players: P L EY ER Z
playing: P L EY IH NG; point: P OY N T; police: P AX L IY S; political: P AX L IH T AX K AX L, P AX L IH T IH K AX L
possible: P AA S AX B AX L; post: P OW S T; power: P AW ER; president: P R EH Z AX D EH N T, P R EH Z IH D AX N T
pretty: P R IH T IY; probably: P R AA B AX B L IY, P R AA B L IY; problem: P R AA B L AX M; public: P AH B L IH K
put: P UH T; question: K W EH S CH AX N, K W EH SH AX N; rather: R AE DH ER, R AH DH ER; read: R EH D, R IY D
real: R IY L; really: R IH L IY, R IY L IY; reason: R IY Z AX N; red: R EH D; report: R IY P AO R T, R IH P AO R T
research: R IY S ER CH; room: R UW M; run: R AH N; same: S EY M; saw: S AO; saying: S EY IH NG; says: S EH Z, S IH Z
school: S K UW L; season: S IY Z AX N; see: S IY; seen: S IY N; series: S IH R IY Z; service: S ER V AX S, S ER V IH S
services: S ER V AX S AX Z, S ER V IH S IH Z; several: S EH V R AX L, S EH V ER AX L; short: SH AO R T; show: SH OW
side: S AY D; since: S IH N S; single: S IH NG G AX L; small: S M AO L; so: S OW; social: S OW SH AX L; some: S AH M
someone: S AH M W AH N; something: S AH M TH IH NG; soon: S UW N; south: S AW TH; special: S P EH SH AX L
start: S T AA R T; started: S T AA R T IH D; state: S T EY T; states: S T EY T S; stay: S T EY; still: S T IH L
such: S AH CH; support: S AX P AO R T; system: S IH S T AX M; taken: T EY K AX N; taking: T EY K IH NG; team: T IY M
than: DH AE N, DH AX N; that's: DH AE T S; their: DH EH R; them: DH EH M, DH AX M; then: DH EH N; there's: DH EH R Z
there: DH EH R; these: DH IY Z; they're: DH EH R; they: DH EY; thing: TH IH NG; things: TH IH NG Z; think: TH IH NG K
third: TH ER D; this: DH IH S; those: DH OW Z; though: DH OW; thought: TH AO T; through: TH R UW; times: T AY M Z
together: T AX G EH DH ER; told: T OW L D; too: T UW; took: T UH K; top: T AA P, T AO P; true: T R UW; try: T R AY
trying: T R AY IH NG, T R AY NG; under: AH N D ER; understand: AH N D ER S T AE N D; united: Y UW N AY T IH D
university: Y UW N AX V ER S AX T IY; until: AX N T IH L; us: AH S, Y UW EH S; use: Y UW S, Y UW Z; used: Y UW Z D
using: Y UW Z IH NG; very: V EH R IY; video: V IH D IY OW; wait: W EY T; want: W AA N T, W AO N T
wanted: W AO N T IH D; war: W AO R; was: W AA Z, W AX Z; watch: W AA CH, W AO CH; way: W EY
we're: W IY R, W IH R, W ER; we: W IY; week: W IY K; well: W EH L; went: W EH N T; were: W ER
where: W EH R, HH W EH R; whether: W EH DH ER, HH W EH DH ER; which: W IH CH, HH W IH CH; while: W AY L, HH W AY L
white: W AY T, HH W AY T; who: HH UW; whole: HH OW L; win: W IH N; with: W IH DH, W IH TH
within: W IH DH IH N, W IH TH IH N; without: W IH TH AW T, W IH DH AW T; woman: W UH M AX N; women: W IH M AX N
won't: W OW N T; work: W ER K; working: W ER K IH NG; world: W ER L D; would: W UH D; year: Y IH R
years: Y IH R Z, Y ER Z; yet: Y EH T; york: Y AO R K; you're: Y UH R, Y UW R; young: Y AH NG
"""
OTHER_WORDS: dict[str, tuple[Phonemes, ...]] = {
    word: tuple(tuple(way.split()) for way in ways.split(","))
    for word, ways in (each.split(": ") for line in _WAYS.strip().splitlines() for each in line.split("; "))
}
"""Every word, and the ways to say it."""
