"""Where a run was made and with what, as text: machine, card, data, adapters, and what the harness itself took."""

from __future__ import annotations

from typing import Any

from ..phrase import Phrase, particulars, phrase
from .lane_notes import lanes_phrase
from .messages import Language
from .text import NOTHING, seconds, size

Table = dict[str, Any]
Pairs = tuple[tuple[str, str], ...]


def measured_on(report: Table, words: Language) -> Pairs:
    """What belongs on the first screen: name and value."""
    run, machine = report["run"], report["machine"]
    cpu = machine.get("cpu_model") or phrase("unknown processor")
    cores = phrase("{count} cores", count=machine.get("cores", "?"))
    gpus = [_gpu(found) for found in machine.get("gpu") or []]
    system = phrase(
        "{name}, kernel {kernel}", name=machine.get("os") or NOTHING, kernel=machine.get("kernel") or NOTHING
    )
    seed = phrase("seed {seed}", seed=run["seed"])
    suite = particulars([str(run["suite"]), lanes_phrase(run["lanes"]), threads(run["threads"]), seed])
    measured = str(run["created"]).replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")
    return (
        (words.say("Machine"), words.tell(particulars([cpu, cores, size(machine.get("memory_bytes"))]))),
        (words.say("GPU"), words.tell(_card(run)) or ", ".join(gpus) or words.say("none used")),
        (words.say("System"), words.tell(system)),
        (words.say("Measured"), measured),
        (words.say("Suite"), words.tell(suite)),
    )


def environment(report: Table, words: Language) -> Pairs:
    """Versions, hashes and data: name and value."""
    run, machine = report["run"], report["machine"]
    code, protocol = str(run["code_sha256"])[:12], str(run["protocol_sha256"])[:12]
    data = [words.tell(_data(name, found)) for name, found in sorted(report["data"].items()) if isinstance(found, dict)]
    return (
        (words.say("Run"), str(run["run_id"])),
        ("frameworkbench", words.say("{version}, code {hash}", version=run["frameworkbench_version"], hash=code)),
        (words.say("Protocol"), words.say("{hash}, fixed before the first measurement", hash=protocol)),
        (words.say("Python of the harness"), str(machine.get("python") or NOTHING)),
        *((words.say("Data"), line) for line in data),
        *((words.say("On the card"), words.tell(_on_card(cell))) for cell in report["cells"] if cell.get("card")),
    )


def adapter_facts(report: Table, words: Language) -> tuple[dict[str, str], ...]:
    """One object of text for each adapter."""
    return tuple(_adapter(name, found, words) for name, found in sorted(report["adapters"].items()))


def harness_sentence(found: Table, words: Language) -> str:
    """Where the session's time went."""
    if found["share"] is None:
        return words.say("The time of the session itself was not recorded.")
    return words.say(
        "The harness took {percent} % of {wall} wall time ({reference} of it in the reference, {other} in exports and "
        "predictions); the rest went into environments, imports, builds and steps.",
        percent=f"{found['share'] * 100:.0f}",
        wall=seconds(found["wall_s"]),
        reference=seconds(found["oracle_s"]),
        other=seconds(found["adapter_other_s"]),
    )


def threads(count: object) -> Phrase:
    """ "1 thread", "2 threads"."""
    return phrase("1 thread") if count == 1 else phrase("{count} threads", count=count)


def _gpu(found: Any) -> str:
    return str(found.get("name") or found) if isinstance(found, dict) else str(found)


def _card(run: Table) -> Phrase:
    """The card that the run used, with what limits it."""
    card = run.get("card")
    if not isinstance(card, dict):
        return particulars([])
    parts: list[str | Phrase] = [str(card.get("name"))]
    if (card.get("cards") or 1) > 1:
        parts.append(phrase("one of {count}", count=card["cards"]))
    parts += [size(card.get("memory_bytes")), phrase("driver {version}", version=card.get("driver"))]
    if card.get("power_limit_w"):
        parts.append(phrase("power limit {watts} W", watts=f"{card['power_limit_w']:g}"))
    return particulars(parts)


def _on_card(cell: Table) -> Phrase:
    """One line on what the card did while a row was timed."""
    found = cell["card"]
    known = {
        key: f"{found[key]:.0f}" for key in ("sm_mhz", "temperature_c", "power_w", "utilisation") if _has(found, key)
    }
    parts: list[str | Phrase] = []
    if "sm_mhz" in known:
        parts.append(phrase("SM clock {value} MHz", value=known["sm_mhz"]))
    if "temperature_c" in known:
        parts.append(phrase("up to {value} °C", value=known["temperature_c"]))
    if "power_w" in known:
        parts.append(f"{known['power_w']} W")
    if "utilisation" in known:
        parts.append(phrase("busy {value} %", value=known["utilisation"]))
    if _has(found, "process_peak_bytes"):
        held = size(found["process_peak_bytes"])
        parts.append(phrase("{size} held at most (allocator defaults, context included)", size=held))
    return phrase(
        "{workload} {row}: {facts}",
        workload=cell["workload"],
        row=cell["label"],
        facts=particulars([*parts, _energy(found["energy"])]),
    )


def _has(found: Table, key: str) -> bool:
    return found.get(key) is not None


def _energy(found: Table) -> Phrase:
    joules = found.get("joules_per_sample")
    if joules is None:
        return phrase("energy not measured ({reason})", reason=found["not_measured"])
    return phrase("{joules} J/sample {note}", joules=f"{joules:.3g}", note=found["note"])


def _data(name: str, found: Table) -> Phrase:
    return phrase(
        "{name}: {dataset} ({kind}, {train} training and {test} test samples, fingerprint {hash})",
        name=name,
        dataset=found.get("dataset"),
        kind=_KINDS.get(str(found.get("kind")), str(found.get("kind"))),
        train=found.get("train_size"),
        test=found.get("test_size"),
        hash=str(found.get("fingerprint"))[:12],
    )


def _adapter(name: str, found: Table, words: Language) -> dict[str, str]:
    keys = ("title", "role", "distribution", "framework_version", "python_version", "interpreter_kind", "main_mode")
    lock = str(found.get("lock_sha256") or NOTHING)[:12]
    facts = {key: str(found.get(key) or NOTHING) for key in keys}
    told = {key: words.tell(_TERMS[facts[key]]) for key in ("role", "interpreter_kind") if facts[key] in _TERMS}
    return {"name": name, **facts, **told, "lock": lock}


_KINDS = {"real": phrase("real"), "synthetic": phrase("synthetic")}
_TERMS = {
    "entrant": phrase("entrant"),
    "oracle": phrase("oracle"),
    "managed": phrase("managed"),
    "external": phrase("external"),
}
