"""One target for so many seconds, with atheris or without; an error says that its invariant does not hold."""

import importlib.util
import sys
import time
from pathlib import Path

#: Octets of one input, seconds that it may take, and megabytes of the whole process.
OCTETS = 16 * 1024
SLOW_SECONDS = 10
MEGABYTES = 1024


def with_atheris(name: str, seconds: int, folder: Path) -> None:
    """libFuzzer ends the process; what is in `folder` from an earlier run is where it goes on."""
    import atheris

    with atheris.instrument_imports(include=["mailservices"]):
        from tests.fuzz.targets import run
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    write_seeds(name, corpus)
    options = [
        f"-max_total_time={seconds}", f"-max_len={OCTETS}", f"-timeout={SLOW_SECONDS}",
        f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={folder}/", "-print_final_stats=1",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda octets: run(name, octets))
    atheris.Fuzz()


def write_seeds(name: str, corpus: Path) -> None:
    from tests.fuzz import seeds

    for number, seed in enumerate(seeds.of(name)):
        (corpus / f"seed-{number}").write_bytes(seed)


def with_hypothesis(name: str, seconds: int, folder: Path) -> None:
    """The quick test again and again, each time with other cases."""
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    from tests.fuzz import seeds
    from tests.fuzz.targets import run
    from tests.fuzz.test_targets import EDITS, changed

    known, deadline, turn = seeds.of(name), time.monotonic() + seconds, time.time_ns()
    while time.monotonic() < deadline:
        turn += 1

        @seed(turn)
        @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(st.binary(max_size=OCTETS) | st.builds(changed, st.sampled_from(known), EDITS))
        def case(octets: bytes) -> None:
            try:
                run(name, octets)
            except BaseException:
                (folder / "failing").write_bytes(octets)
                raise

        case()


if __name__ == "__main__":
    fuzz = with_atheris if importlib.util.find_spec("atheris") else with_hypothesis
    fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
