// node live_node.cjs LIVE.JS < questions: runs the script that the book ships, and prints what it computes.
const live = require(process.argv[2]);
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = {
  network: ({ layers, codes }) => {
    const network = live.readNetwork(layers);
    return codes.map(code => Array.from(live.runNetwork(network, code)));
  },
  axis: ({ points }) => live.principalAxis(points),
  gradient: ({ points, weights }) => live.errorAndGradient(points, live.principalAxis(points).mean, weights),
  train: ({ points, starts }) => starts.map(start => {
    const next = start.values();
    let weights = live.initialWeights(() => next.next().value), steps = 0;
    for (; steps < 5000 && !live.converged(points, weights); steps++) weights = live.descend(points, weights);
    const axis = live.principalAxis(points);
    return { steps, angle: live.angleBetween(weights, axis), decoder: weights.decoder,
      error: live.errorAndGradient(points, axis.mean, weights).error };
  }),
};
console.log(JSON.stringify(answers[process.argv[3]](asked)));
