"""Finds the best path through a grammar for a network's output, and its rivals. Arrays in, words out.

For each frame, the network estimates how likely each phoneme is, including a blank, as in connectionist temporal
classification (Graves et al. 2006): a phoneme lasts one frame or more, blanks may separate it from the next, and a
mark ends a word. The search is Viterbi's, over all states of the grammar at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgevoice.local.speech.grammar import END, START, Arc, Grammar
from edgevoice.local.speech.phonemes import BLANK, WORD_END, Frames

Numbers = npt.NDArray[np.intp]
_NEVER = np.float32(-1e9)
# A path this much less likely than the best (as a logarithm) is not an alternative.
_RIVAL_MARGIN = 12.0
# After the last phoneme: itself, a blank, the end of the word, a blank.
_EXITS = 4


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A word of a path; ``ends_word`` is False if a foreign phoneme continues into the next."""

    word: str
    is_foreign: bool
    ends_word: bool


@dataclass(frozen=True, slots=True)
class Path:
    """What may have been said, and the logarithm of its likelihood."""

    said: tuple[SaidWord, ...]
    score: float

    @property
    def words(self) -> tuple[str, ...]:
        """Only the words."""
        return tuple(each.word for each in self.said)


@dataclass(slots=True)
class _Trace:
    """How each node was reached in each frame: by which arc (a jump is -2, nothing -1), from where, by which exit."""

    arcs: npt.NDArray[np.int32]
    origins: npt.NDArray[np.int32]
    exits: npt.NDArray[np.int8]
    # For every arc in each frame: the score at its end, and where it came from.
    arc_scores: list[Frames] = field(default_factory=list)
    arc_origins: list[npt.NDArray[np.int32]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _States:
    """The states of all arcs in one row; ``columns`` is each one's column of the network, (states,).

    ``entries`` (arcs,) and ``exits`` (arcs, _EXITS) are the states by which an arc is entered and left. ``skips`` are
    those that may follow the last but one: a phoneme may follow another without a blank between, unless it is the same.
    """

    columns: Numbers
    entries: Numbers
    exits: Numbers
    skips: Numbers

    @classmethod
    def of(cls, arcs: Sequence[tuple[Arc, Sequence[str]]], columns: Mapping[str, int]) -> "_States":
        """Lay out arcs, each with the phonemes that it says."""
        blank = columns[BLANK]
        states: list[int] = []
        entries: list[int] = []
        for _, way in arcs:
            entries.append(len(states))
            states += [column for phoneme in way for column in (columns[phoneme], blank)]
            states += [columns[WORD_END], blank]
        row, starts = np.array(states), np.array(entries)
        follows = np.zeros(len(states), bool)
        follows[2:] = (row[2:] != blank) & (row[2:] != row[:-2])
        follows[starts] = False
        follows[starts + 1] = False
        exits = np.append(starts[1:], len(states))[:, None] + np.arange(-_EXITS, 0)
        return cls(row, starts, exits, np.flatnonzero(follows))


@dataclass(frozen=True, slots=True)
class _Ends:
    """The nodes at which arcs end; ``targets`` is each arc's, (arcs,), in ascending order.

    ``nodes`` are those nodes, each once, ``groups`` the first arc of each, and ``group_of`` (arcs,) the number of each
    arc's node among them.
    """

    targets: Numbers
    nodes: Numbers
    groups: Numbers
    group_of: Numbers

    @classmethod
    def of(cls, arcs: Sequence[Arc]) -> "_Ends":
        """Group arcs by the node at which they end."""
        targets = np.array([arc.target for arc in arcs])
        return cls(targets, *np.unique(targets, return_index=True, return_inverse=True))


class Lattice:
    """A grammar, laid out for the search; ``columns`` maps phonemes to the network's columns."""

    def __init__(self, grammar: Grammar, columns: Mapping[str, int]) -> None:
        self._grammar = grammar
        self._silences = columns[BLANK], columns[WORD_END]
        ways = [(arc, way) for arc in sorted(grammar.arcs, key=lambda each: each.target) for way in arc.says]
        self._arcs = [arc for arc, _ in ways]
        self._states = _States.of(ways, columns)
        self._ends = _Ends.of(self._arcs)
        self._sources = np.array([arc.source for arc in self._arcs])
        self._weights = np.array([arc.weight for arc in self._arcs], np.float32)
        self._is_known = np.array([not arc.is_foreign for arc in self._arcs])
        ending = {END}
        for source, target in reversed(grammar.jumps):
            ending |= {source} if target in ending else set()
        self._may_end = np.isin(self._ends.targets, [*ending])

    def search(self, frames: Frames) -> list[Path]:
        """Return the best path, then its rivals, which have other words in some places, the likeliest first.

        The list is empty if every path is longer than the sound.
        """
        trace, score = self._run(frames)
        if score <= _NEVER / 2:
            return []
        steps = [*self._steps(trace, len(frames), END)]
        best = Path(self._said(steps), float(score))
        rivals: dict[tuple[str, ...], Path] = {}
        for number, (frame, arc, _) in enumerate(steps):
            together = self._ends.targets == self._ends.targets[arc]
            for rival, loss in self._near(trace, frame, together, trace.arc_scores[frame - 1][arc]):
                self._keep(rivals, trace, (frame, rival), steps[number + 1 :], float(score) - loss)
        for rival, loss in self._near(trace, len(frames), self._may_end, score):
            self._keep(rivals, trace, (len(frames), rival), (), float(score) - loss)
        rivals.pop(best.words, None)
        return [best, *sorted(rivals.values(), key=lambda path: -path.score)]

    def _near(
        self, trace: _Trace, frame: int, among: npt.NDArray[np.bool_], best: np.float32
    ) -> Iterator[tuple[int, float]]:
        """Yield the arcs ``among`` these that ended in this frame nearly as likely as the best, and their loss."""
        losses = best - trace.arc_scores[frame - 1]
        for near in np.flatnonzero(among & self._is_known & (losses < _RIVAL_MARGIN)):
            yield int(near), float(losses[near])

    def _keep(
        self,
        rivals: dict[tuple[str, ...], Path],
        trace: _Trace,
        end: tuple[int, int],
        rest: Sequence[tuple[int, int, int]],
        score: float,
    ) -> None:
        """Add the path that reached this arc's end and continued with the ``rest`` to the rivals."""
        frame, arc = end
        before = self._steps(trace, *divmod(int(trace.arc_origins[frame - 1][arc]), self._grammar.nodes))
        path = Path(self._said([*before, (frame, arc, _EXITS - 1), *rest]), score)
        if path.words not in rivals or rivals[path.words].score < score:
            rivals[path.words] = path

    def _run(self, frames: Frames) -> tuple[_Trace, np.float32]:
        count, nodes = len(frames), self._grammar.nodes
        shape = (count + 1, nodes)
        trace = _Trace(np.full(shape, -1, np.int32), np.full(shape, -1, np.int32), np.zeros(shape, np.int8))
        scores = np.full(len(self._states.columns), _NEVER, np.float32)
        origins = np.zeros(len(self._states.columns), np.int32)
        at_node = np.full(nodes, _NEVER, np.float32)
        at_node[START] = 0.0
        self._jump(at_node, trace, 0)
        # Before the first word there may be blanks.
        silence = np.cumsum(frames[:, self._silences].max(axis=1))
        for frame in range(1, count + 1):
            scores, origins = self._step(scores, origins, at_node, (frame - 1) * nodes)
            # Frame by frame: of all frames together it would take 3 MB for each second of speech.
            scores += frames[frame - 1][self._states.columns]
            at_node = self._leave(scores, origins, trace, frame)
            at_node[START] = silence[frame - 1]
            self._jump(at_node, trace, frame)
        return trace, at_node[END]

    def _step(
        self, scores: Frames, origins: npt.NDArray[np.int32], at_node: Frames, base: int
    ) -> tuple[Frames, npt.NDArray[np.int32]]:
        """Advance one frame: stay, move to the next state, or skip a blank; enter arcs from their nodes."""
        moved, moved_origins = np.empty_like(scores), np.empty_like(origins)
        moved[1:], moved_origins[1:] = scores[:-1], origins[:-1]
        moved[self._states.entries] = at_node[self._sources] + self._weights
        moved_origins[self._states.entries] = base + self._sources
        skips = self._states.skips
        better = skips[scores[skips - 2] > moved[skips]]
        moved[better], moved_origins[better] = scores[better - 2], origins[better - 2]
        stays = scores >= moved
        return np.where(stays, scores, moved), np.where(stays, origins, moved_origins)

    def _leave(self, scores: Frames, origins: npt.NDArray[np.int32], trace: _Trace, frame: int) -> Frames:
        """Return the score of each node: that of the best arc that ends there."""
        ends = scores[self._states.exits]
        exits = ends.argmax(axis=1)
        rows = np.arange(len(exits))
        arc_scores, arc_origins = ends[rows, exits], origins[self._states.exits[rows, exits]]
        best = np.maximum.reduceat(arc_scores, self._ends.groups)
        winners = np.flatnonzero(arc_scores == best[self._ends.group_of])
        at_node = np.full(self._grammar.nodes, _NEVER, np.float32)
        at_node[self._ends.nodes] = best
        targets = self._ends.targets[winners]
        trace.arcs[frame, targets], trace.origins[frame, targets] = winners, arc_origins[winners]
        trace.exits[frame, targets] = exits[winners]
        trace.arc_scores.append(arc_scores)
        trace.arc_origins.append(arc_origins)
        return at_node

    def _jump(self, at_node: Frames, trace: _Trace, frame: int) -> None:
        for source, target in self._grammar.jumps:
            if at_node[source] > at_node[target]:
                at_node[target] = at_node[source]
                trace.arcs[frame, target], trace.origins[frame, target] = -2, frame * self._grammar.nodes + source

    def _steps(self, trace: _Trace, frame: int, node: int) -> Sequence[tuple[int, int, int]]:
        """Return the arcs of the best path to a node, each with the frame it ended in and its exit."""
        steps: list[tuple[int, int, int]] = []
        while (arc := int(trace.arcs[frame, node])) != -1:
            if arc >= 0:
                steps.append((frame, arc, int(trace.exits[frame, node])))
            frame, node = divmod(int(trace.origins[frame, node]), self._grammar.nodes)
        return steps[::-1]

    def _said(self, steps: Sequence[tuple[int, int, int]]) -> tuple[SaidWord, ...]:
        return tuple(
            SaidWord(self._arcs[arc].word, self._arcs[arc].is_foreign, leaves >= _EXITS - 2) for _, arc, leaves in steps
        )
