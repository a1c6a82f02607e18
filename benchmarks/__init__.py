"""What the performance claims are measured with: `make bench`.

One module per thing measured (`redirects`, the first), each with the yardstick it is
compared to. `comparisons` says what a measurement is, `runner` takes turns and repeats,
`report` prints and writes; a run whose evidence does not add up is void. `regressions`
holds a short run to `recorded.json`; `scaling` is the arithmetic of many nodes.
"""
