"""Takes turns and repeats: these machines drift by half within minutes."""

from collections.abc import Sequence

from benchmarks.comparisons import (
    Benchmark,
    Comparison,
    Outcome,
    Plan,
    Result,
    Turn,
    number,
)


def run(name: str, benchmark: Benchmark, plan: Plan) -> Outcome:
    print(f"{name}: warming up", flush=True)
    benchmark.warm_up()
    turns = _turns(benchmark.comparisons, plan.rounds)
    results = [Result(c, turns[c.name]) for c in benchmark.comparisons]
    return Outcome(name, results, benchmark.verify())


def _turns(comparisons: Sequence[Comparison], rounds: int) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = {each.name: [] for each in comparisons}
    for round_ in range(1, rounds + 1):
        for comparison in comparisons:
            if round_ > (comparison.rounds or rounds):
                continue
            turn = Turn(yardstick=comparison.yardstick(), ours=comparison.ours())
            turns[comparison.name].append(turn)
            print(
                f"  round {round_}/{rounds}, {comparison.name}:"
                f" {comparison.yardstick_name} {number(turn.yardstick.value)},"
                f" ours {number(turn.ours.value)} {comparison.unit},"
                f" ratio {turn.ratio:.3f}",
                flush=True,
            )
    return turns
