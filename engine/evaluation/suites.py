"""Suites: data, encoder and measure joined into a report. What the command line and the Evaluate view call."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from engine.encoders.prompts import TemplateSet
from engine.errors import EvaluationInvalid
from engine.evaluation.counting import MOST, Numerals, count_objects
from engine.evaluation.datasets.captions import CaptionedPictures, rows_of
from engine.evaluation.datasets.counts import CountedPictures
from engine.evaluation.datasets.folders import ClassFolders
from engine.evaluation.datasets.multilabel import MultiLabel
from engine.evaluation.datasets.phrases import ALL, QueryPhrases
from engine.evaluation.datasets.pictures import Only, Picture, PictureFinder, fingerprint
from engine.evaluation.datasets.transclip import Embeddings
from engine.evaluation.embedding import BATCH, Embedded, embed
from engine.evaluation.ndcg import K as DEPTH
from engine.evaluation.ndcg import graded
from engine.evaluation.neighbours import TEMPERATURE, nearest_neighbours
from engine.evaluation.neighbours import K as NEIGHBOURS
from engine.evaluation.parts import Parts, parted
from engine.evaluation.precision import K as FIRST
from engine.evaluation.precision import precision
from engine.evaluation.probe import SHOTS, few_shot, linear_probe
from engine.evaluation.published import published
from engine.evaluation.reliability import calibrated, probabilities, reliability
from engine.evaluation.report import Provenance, Report
from engine.evaluation.retrieval import Matching, Protocol, retrieve
from engine.evaluation.spread import over
from engine.evaluation.vectors import Floats, Integers
from engine.evaluation.word_order import shuffled, swapped, word_order
from engine.evaluation.zero_shot import Classification, classify, ensemble
from engine.labels.zero_shot import LOGIT_SCALE
from engine.progress import Cancel, Progress, silent, stop_if

if TYPE_CHECKING:
    from engine.encoders import Encoder

Probe = Literal["knn", "linear", "fewshot"]
Order = Literal["swap", "shuffle", "given"]
PROBES: Final[tuple[Probe, ...]] = ("knn", "linear", "fewshot")
ORDERS: Final[tuple[Order, ...]] = ("swap", "shuffle", "given")
UNSEEN: Final = "test"
"""Part of a file of phrases whose single phrases no report names, so that nobody tunes on them."""
TEXTS_AT_ONCE: Final = 256
EXAMPLES: Final = 6
"""Pictures that are named for each confusion."""


@dataclass(frozen=True, slots=True)
class Bench:
    """An encoder on the bench.

    Attributes:
        encoder: What is measured.
        batch: Pictures at once.
        progress: Told about each batch.
        cancel: Stops between batches.

    Every suite raises ``Cancelled`` if the person asked for it, ``DataMissing`` and ``DatasetInvalid`` if the data can't be
    used, and ``EvaluationInvalid`` if nothing can be measured on them. Unreadable pictures are left out and named.
    """

    encoder: Encoder
    batch: int = BATCH
    progress: Progress = silent
    cancel: Cancel | None = None

    def zero_shot(
        self, root: Path, *, labels: Sequence[str] = (), templates: TemplateSet | str | Sequence[str] = "label", only: Only | None = None
    ) -> Report:
        """Zero-shot classification of class folders.

        Args:
            root: Holds the class folders.
            labels: Class names in the order of the sorted folder names; by default the folder names in words.
            templates: A set of ``assets/prompts/templates.yaml``, or sentences with ``{}`` or ``{a}``.
            only: The pictures to measure on: a file with their names, one a line, or the names.
        """
        chosen = TemplateSet.from_like(templates)
        folders = ClassFolders.open(root, labels, only)
        embedded = self._embed(folders.pictures)
        truth, names, lost = _present(folders, embedded)
        classes = self.encoder.labels(names, chosen)
        found = classify(embedded.vectors, classes, truth, names)
        figures = found.record() | self._calibration(embedded.vectors @ classes.T, found)
        _name_examples(figures, found, [folders.pictures[index].name for index in embedded.kept])
        facts = {"n": found.n, "classes": len(names), "prompts": chosen.texts}
        return Report(
            "zeroshot",
            f"Zero-shot: {self.encoder.id} on {root.name}",
            figures,
            self._provenance(root.name, folders.fingerprint, templates=chosen, labels=list(names)),
            names,
            published("zeroshot", root.name, facts),
            (*folders.skipped, *lost, *embedded.skipped),
        )

    def retrieval(
        self, folder: Path, captions: Path, *, protocol: Protocol = "P1", split: str = "test", only: Only | None = None
    ) -> Report:
        """Image–text retrieval in both directions.

        Args:
            folder: Below which the pictures lie.
            captions: The caption file; see :func:`engine.evaluation.datasets.captions.read_captions`.
            protocol: ``P1`` or ``P2``.
            split: Part of a file that has parts.
            only: The pictures to measure on: a file with their names, one a line, or the names.
        """
        data = CaptionedPictures.open(folder, captions, split, only)
        Matching.of(data.captions, protocol)  # refuses what can't be asked before anything is embedded
        embedded = self._embed(data.pictures)
        matching = Matching.of([data.captions[index] for index in embedded.kept], protocol)
        found = retrieve(embedded.vectors, self._texts(matching.texts), matching)
        figures = found.record()
        where = f"{folder.name} {captions.name}"
        return Report(
            "retrieval",
            f"Retrieval {protocol}: {self.encoder.id} on {folder.name}",
            figures,
            self._provenance(where, data.fingerprint, protocol=protocol, split=data.split),
            published=published("retrieval", f"{folder} {captions.name}", figures),
            skipped=(*data.skipped, *embedded.skipped),
        )

    def probe(
        self,
        root: Path,
        *,
        kind: Probe = "linear",
        counts: Sequence[int] = SHOTS,
        seeds: int = 3,
        train_share: float = 0.5,
        only: Only | None = None,
    ) -> Report:
        """k nearest neighbours, linear probe or few-shot learning on frozen features.

        Args:
            root: Holds the class folders, or ``train`` and ``test`` folders of them.
            kind: ``knn``, ``linear`` or ``fewshot``.
            counts: Pictures a class for few-shot learning.
            seeds: How many runs; where the data come without a division, each divides them anew.
            train_share: Part of each class that teaches, where the data come without a division.
            only: The pictures to measure on: a file with their names, one a line, or the names.
        """
        if seeds < 1:
            raise EvaluationInvalid("at least one seed is needed.")
        folders = ClassFolders.open(root, only=only)
        embedded = self._embed(folders.pictures)
        truth, names, lost = _present(folders, embedded)

        def parts(seed: int) -> Parts:
            if folders.learning is None:
                return parted(truth, train_share, seed)
            learns = np.array(folders.learning)[embedded.kept]
            return Parts(np.flatnonzero(learns), np.flatnonzero(~learns))

        settings: dict[str, Any] = {"kind": kind, "seeds": seeds, "division": "given" if folders.learning else train_share}
        if kind == "fewshot":
            shots = few_shot(
                embedded.vectors, truth, names, parts, counts=counts, seeds=range(seeds), progress=self.progress, cancel=self.cancel
            )
            figures = shots.record() | {"kind": kind, "seeds": seeds}
        else:
            figures = self._runs(kind, embedded.vectors, truth, names, [parts(seed) for seed in range(seeds)])
            settings |= {"k": NEIGHBOURS, "temperature": TEMPERATURE} if kind == "knn" else {}
        return Report(
            "probe",
            f"Probe {kind}: {self.encoder.id} on {root.name}",
            figures,
            self._provenance(root.name, folders.fingerprint, **settings),
            names if "confusion" in figures else (),
            skipped=(*folders.skipped, *lost, *embedded.skipped),
        )

    def _runs(self, kind: Probe, vectors: Floats, truth: Integers, names: tuple[str, ...], divisions: Sequence[Parts]) -> dict[str, Any]:
        """One probe a division; classes and matrix are summed over them, ``n`` is the size of the first."""
        found: list[Classification] = []
        for seed, division in enumerate(divisions):
            stop_if(self.cancel, "The probe")
            if kind == "knn":
                known, asked = division.train, division.test
                found.append(nearest_neighbours(vectors[known], truth[known], vectors[asked], truth[asked], names))
            else:
                found.append(linear_probe(vectors, truth, names, division, seed=seed))
            self.progress(f"{kind} probes", seed + 1, len(divisions))
        spread = over([each.accuracy for each in found])
        pooled = Classification(names, np.concatenate([each.truth for each in found]), np.concatenate([each.predicted for each in found]))
        # A picture may stand in several runs, so a bootstrap over the pool would be too sure: the spread over seeds says it.
        figures = {key: value for key, value in pooled.record().items() if key != "interval"}
        return figures | {
            "accuracy": round(spread.mean, 6),
            "std": round(spread.std, 6),
            "seeds": len(divisions),
            "values": [round(value, 6) for value in spread.values],
            "kind": kind,
            "n": found[0].n,
        }

    def counting(self, listing: Path, *, folder: Path | None = None, numerals: Numerals = "words") -> Report:
        """Counting with ten captions that differ in their number.

        Args:
            listing: JSON list or CSV with file, caption and count.
            folder: Below which the pictures lie; by default where the list lies.
            numerals: Numbers as ``words`` or ``digits``.
        """
        data = CountedPictures.open(listing, folder)
        embedded = self._embed(data.pictures)
        captions = [data.captions[index] for index in embedded.kept]
        sentences = self._texts([text for caption in captions for text in caption.variants(numerals)])
        found = count_objects(embedded.vectors, sentences.reshape(len(captions), MOST, -1), [caption.count for caption in captions])
        return Report(
            "counting",
            f"Counting: {self.encoder.id} on {data.source}",
            found.record() | {"seeds": 1, "std": 0.0, "numerals": numerals},
            self._provenance(data.source, data.fingerprint, numerals=numerals),
            tuple(str(count) for count in range(1, MOST + 1)),
            skipped=(*data.skipped, *embedded.skipped),
        )

    def ndcg(self, place: Path, *, k: int = DEPTH, split: str = "test", queries: Sequence[Sequence[str]] = ()) -> Report:
        """Graded retrieval over label sets.

        Args:
            place: CrisisLandMark's folder, a JSON list with labels, or class folders.
            k: Depth.
            split: Part of data that have parts.
            queries: Label sets to ask for; by default every different one that occurs.
        """
        data = MultiLabel.open(place, split)
        wanted = [tuple(sorted({label.strip().lower() for label in query if label.strip()})) for query in queries] or list(data.different)
        unknown = sorted({label for query in wanted for label in query} - set(data.names))
        if unknown:
            raise EvaluationInvalid(f"no picture has the label “{unknown[0]}”. Known: {', '.join(data.names[:40])}.")
        embedded = self._embed(data.pictures)
        sentences = [". ".join(query) for query in wanted]
        found = graded(self._texts(sentences), embedded.vectors, data.rows(wanted), data.matrix[embedded.kept], sentences, k)
        figures = found.record()
        return Report(
            "ndcg",
            f"nDCG: {self.encoder.id} on {data.source}",
            {"ndcg": figures["ndcg_jaccard"], **figures, "seeds": 1, "std": 0.0},
            self._provenance(data.source, data.fingerprint, split=split, k=k),
            skipped=(*data.skipped, *embedded.skipped),
        )

    def phrases(self, root: Path, phrases: Path, *, half: str = "tuning", k: int = FIRST, only: Only | None = None) -> Report:
        """Precision at k of queries as a person types them, through the same sentences as a search.

        Args:
            root: Holds the class folders.
            phrases: YAML file: half → phrase → class folders whose pictures are right answers.
            half: ``tuning``, ``test`` or another part of the file; ``all`` for everything. Only ``tuning`` and parts of your
                own name single phrases.
            k: Depth.
            only: The pictures to measure on: a file with their names, one a line, or the names.
        """
        asked = QueryPhrases.open(phrases, half)
        folders = ClassFolders.open(root, only=only)
        right = asked.within(folders)
        embedded = self._embed(folders.pictures)
        classes = np.array(folders.classes, dtype=np.int64)[embedded.kept]
        stop_if(self.cancel, "Embedding the queries")
        queries = np.stack([self.encoder.query(phrase.text) for phrase in asked.phrases])
        found = precision(queries, embedded.vectors, right[:, classes], [phrase.text for phrase in asked.phrases], k)
        seen = {} if half in (UNSEEN, ALL) else {"per_query": found.per_query}
        return Report(
            "phrases",
            f"Query phrases, {half}: {self.encoder.id} on {root.name}",
            {**found.record(), "half": half, "seeds": 1, "std": 0.0, **seen},
            self._provenance(
                f"{root.name} {asked.source}",
                fingerprint([folders.fingerprint, asked.fingerprint]),
                templates=TemplateSet.from_like("query"),
                half=half,
                k=k,
            ),
            skipped=(*folders.skipped, *embedded.skipped),
        )

    def word_order(
        self, folder: Path, captions: Path, *, kind: Order = "swap", split: str = "test", seeds: int = 3, only: Only | None = None
    ) -> Report:
        """True captions against the same words in another order.

        Args:
            folder: Below which the pictures lie.
            captions: The caption file; for ``given`` a list with file, caption and swapped.
            kind: ``swap`` exchanges the sides of a relation, ``shuffle`` puts the words at random, ``given`` takes the list's.
            split: Part of a file that has parts.
            seeds: Runs of ``shuffle``; the others have one.
            only: The pictures to measure on: a file with their names, one a line, or the names.
        """
        if kind == "given":
            pictures, pairs, skipped = _given(folder, captions)
            return self._ordered(folder.name, kind, pictures, [pairs], skipped)
        data = CaptionedPictures.open(folder, captions, split, only)
        sentences = [(place, text) for place, texts in enumerate(data.captions) for text in dict.fromkeys(texts)]
        runs = []
        for seed in range(max(1, seeds) if kind == "shuffle" else 1):
            made = ((place, text, swapped(text) if kind == "swap" else shuffled(text, seed)) for place, text in sentences)
            runs.append([(place, text, other) for place, text, other in made if other is not None])
        return self._ordered(f"{folder.name} {captions.name}", kind, data.pictures, runs, data.skipped)

    def _ordered(
        self,
        data: str,
        kind: Order,
        pictures: Sequence[Picture],
        runs: Sequence[Sequence[tuple[int, str, str]]],
        skipped: Sequence[tuple[str, str]],
    ) -> Report:
        if not runs[0]:
            raise EvaluationInvalid("no caption can be put in another order.")
        used = sorted({place for place, _, _ in runs[0]})
        embedded = self._embed([pictures[place] for place in used])
        row = {used[index]: row for row, index in enumerate(embedded.kept.tolist())}
        found = []
        for run in runs:
            pairs = [(row[place], text, other) for place, text, other in run if place in row]
            images = embedded.vectors[[place for place, _, _ in pairs]]
            found.append(word_order(images, self._texts([text for _, text, _ in pairs]), self._texts([other for _, _, other in pairs])))
        spread = over([each.accuracy for each in found])
        examples = [{"caption": text, "other": other} for _, text, other in runs[0][:EXAMPLES]]
        return Report(
            "word-order",
            f"Word order, {kind}: {self.encoder.id} on {data}",
            {
                **found[0].record(),
                "accuracy": round(spread.mean, 6),
                "std": round(spread.std, 6),
                "seeds": len(runs),
                "kind": kind,
                "examples": examples,
            },
            self._provenance(data, fingerprint(f"{pictures[place].name}|{text}" for place, text, _ in runs[0]), kind=kind, seeds=len(runs)),
            skipped=(*skipped, *embedded.skipped),
        )

    def _calibration(self, cosines: Floats, found: Classification) -> dict[str, Any]:
        """Reliability as the encoder's own scale gives it, and under the temperature that fits these data."""
        certain = probabilities(cosines, getattr(self.encoder, "logit_scale", LOGIT_SCALE)).max(axis=1)
        fitted = calibrated(cosines, found.truth)
        return {
            "reliability": reliability(certain, found.right).record(),
            "reliability_calibrated": fitted.record() if fitted else None,
        }

    def _embed(self, pictures: Sequence[Picture]) -> Embedded:
        return embed(pictures, self.encoder, batch=self.batch, progress=self.progress, cancel=self.cancel)

    def _texts(self, texts: Sequence[str]) -> Floats:
        """(T, D): equal texts are embedded once, so that they tie exactly."""
        different = list(dict.fromkeys(texts))
        rows = []
        for start in range(0, len(different), TEXTS_AT_ONCE):
            stop_if(self.cancel, "Embedding the texts")
            rows.append(self.encoder.texts(different[start : start + TEXTS_AT_ONCE]))
            self.progress("embedding texts", min(start + TEXTS_AT_ONCE, len(different)), len(different))
        place = {text: index for index, text in enumerate(different)}
        vectors: Floats = np.concatenate(rows)[[place[text] for text in texts]]
        return vectors

    def _provenance(self, data: str, mark: str, *, templates: TemplateSet | None = None, **protocol: Any) -> Provenance:  # noqa: ANN401
        return Provenance(
            model=self.encoder.id,
            model_hash=self.encoder.hash,
            data=data,
            fingerprint=mark,
            templates=templates.id if templates else "",
            prompts=templates.texts if templates else (),
            protocol=protocol,
            synthetic="synthetic" in data.lower(),
        )


def probe_named(name: str) -> Probe:
    """A probe by its name.

    Raises:
        EvaluationInvalid: If there is no such probe.
    """
    for known in PROBES:
        if name.strip().lower() == known:
            return known
    raise EvaluationInvalid(f"there is no probe “{name[:40]}”. Known: {', '.join(PROBES)}.")


def order_named(name: str) -> Order:
    """A kind of word order by its name.

    Raises:
        EvaluationInvalid: If there is no such kind.
    """
    for known in ORDERS:
        if name.strip().lower() == known:
            return known
    raise EvaluationInvalid(f"there is no word order “{name[:40]}”. Known: {', '.join(ORDERS)}.")


def embeddings(path: Path, *, template: str = "") -> Report:
    """Zero-shot figures of published embeddings: one template, and the mean of all.

    Args:
        path: An archive in the layout of RS-TransCLIP.
        template: The one template; by default “a satellite image of a”.

    Raises:
        DataMissing: If there is no such file.
        DatasetInvalid: If it is no such archive.
        FeaturesInvalid: If vectors hold NaN.
    """
    data = Embeddings.open(path)
    place = data.template_at(template)
    single = classify(data.images, data.sentences[place], data.truth, data.names)
    whole = classify(data.images, ensemble(data.sentences), data.truth, data.names)
    facts = {"n": whole.n, "classes": len(data.names), "templates": len(data.templates)}
    chosen = data.templates[place]
    figures = {
        "accuracy_single": round(single.accuracy, 6),
        "accuracy_ensemble": round(whole.accuracy, 6),
        "interval_single": single.interval.record(),
        "interval_ensemble": whole.interval.record(),
        "template": chosen,
        **{key: value for key, value in whole.record().items() if key not in ("accuracy", "interval")},
    }
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    comparable = published("embeddings", data.source, facts) if chosen == "a satellite image of a" else ()
    return Report(
        "embeddings",
        f"Published embeddings: {data.source}",
        figures,
        Provenance(data.source, digest, data.source, digest, f"{len(data.templates)} templates of the archive", data.templates, facts),
        data.names,
        comparable,
    )


def _present(folders: ClassFolders, embedded: Embedded) -> tuple[Integers, tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Classes of the pictures that could be read; a class without any is left out and named."""
    classes = np.array(folders.classes, dtype=np.int64)[embedded.kept]
    there, truth = np.unique(classes, return_inverse=True)
    lost = [index for index in range(len(folders.names)) if index not in set(there.tolist())]
    names = tuple(folders.names[index] for index in there)
    return truth.astype(np.int64), names, tuple((folders.names[index], "none of its pictures could be used.") for index in lost)


def _name_examples(figures: dict[str, Any], found: Classification, pictures: Sequence[str]) -> None:
    """Put names of pictures beside the largest confusions."""
    for entry in figures["worst"]:
        truth, said = found.names.index(entry["truth"]), found.names.index(entry["said"])
        places = np.flatnonzero((found.truth == truth) & (found.predicted == said))[:EXAMPLES]
        entry["pictures"] = [pictures[place] for place in places]


def _given(folder: Path, listing: Path) -> tuple[list[Picture], list[tuple[int, str, str]], list[tuple[str, str]]]:
    """Pictures and pairs of a list that brings its own disordered sentences."""
    finder = PictureFinder(folder)
    pictures: list[Picture] = []
    pairs: list[tuple[int, str, str]] = []
    skipped: list[tuple[str, str]] = []
    for row in rows_of(listing):
        name, text, other = (str(row.get(key) or "") for key in ("file", "caption", "swapped"))
        picture = finder.picture(name)
        if picture is None or not text or not other:
            skipped.append((name or "a row", "the picture is not there." if picture is None else "it lacks caption or swapped."))
            continue
        pairs.append((len(pictures), text, other))
        pictures.append(picture)
    return pictures, pairs, skipped
