// Live figures: small networks that run, or train, in the reader's page. No library and no request: it works from file://.
// Three parts: networks (decode the stored weights, run them), the two-dimensional linear autoencoder, and one function
// for each kind of figure, called with every element that has data-live="KIND". Until then the element shows a still.
(() => {
  "use strict";

  // ---- Networks: what aecourse/pages/live.py stores ----

  function erf(x) {
    if (Math.abs(x) > 6) return Math.sign(x);
    let term = x, sum = x; // erf(x) = 2/sqrt(pi) exp(-x^2) (x + 2 x^3/3 + 4 x^5/15 + ...)
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }

  const ACTIVATIONS = {
    gelu: x => (x / 2) * (1 + erf(x / Math.SQRT2)),
    leaky_relu: (x, slope) => (x < 0 ? slope * x : x),
    relu: x => Math.max(x, 0),
    sigmoid: x => 1 / (1 + Math.exp(-x)),
    silu: x => x / (1 + Math.exp(-x)),
    softplus: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    tanh: Math.tanh,
  };

  /** Stored layers -> layers: weights (out, in) int8, one scale and one bias for each output unit, float32. */
  function readNetwork(stored) {
    const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer;
    return stored.map(layer => layer.activation ? layer : {
      weight: new Int8Array(bytes(layer.weight)),
      scale: new Float32Array(bytes(layer.scale)),
      bias: new Float32Array(bytes(layer.bias)),
    });
  }

  /** The network's output, for one input: an array of numbers -> an array of numbers. */
  function runNetwork(network, input) {
    let x = Float64Array.from(input);
    for (const layer of network) {
      if (layer.activation) {
        const activation = ACTIVATIONS[layer.activation];
        x = x.map(value => activation(value, layer.parameter));
        continue;
      }
      const { weight, scale, bias } = layer, n = x.length;
      x = Float64Array.from(bias, (constant, unit) => {
        let sum = 0;
        for (let i = 0, at = unit * n; i < n; i++) sum += weight[at + i] * x[i];
        return constant + scale[unit] * sum;
      });
    }
    return x;
  }

  // ---- A linear autoencoder from two numbers to one and back: reconstruction = mean + decoder * (encoder . (x - mean)) ----

  /** Mean, eigenvalues (largest, smallest) of the covariance, and the angle of its first axis in radians. */
  function principalAxis(points) {
    const n = points.length;
    const mean = [0, 1].map(i => points.reduce((sum, point) => sum + point[i], 0) / n);
    let xx = 0, xy = 0, yy = 0;
    for (const [x, y] of points) {
      xx += (x - mean[0]) ** 2 / n;
      xy += ((x - mean[0]) * (y - mean[1])) / n;
      yy += (y - mean[1]) ** 2 / n;
    }
    const half = Math.hypot((xx - yy) / 2, xy);
    return { mean, largest: (xx + yy) / 2 + half, smallest: (xx + yy) / 2 - half, angle: Math.atan2(2 * xy, xx - yy) / 2 };
  }

  /** Squared error, averaged over the points, and its gradient in the encoder and the decoder. */
  function errorAndGradient(points, mean, { encoder, decoder }) {
    const gradient = { encoder: [0, 0], decoder: [0, 0] };
    let error = 0;
    for (const point of points) {
      const x = [point[0] - mean[0], point[1] - mean[1]];
      const code = encoder[0] * x[0] + encoder[1] * x[1];
      const residual = [decoder[0] * code - x[0], decoder[1] * code - x[1]];
      const byCode = 2 * (residual[0] * decoder[0] + residual[1] * decoder[1]); // d error / d code
      error += (residual[0] ** 2 + residual[1] ** 2) / points.length;
      for (const i of [0, 1]) {
        gradient.encoder[i] += (byCode * x[i]) / points.length;
        gradient.decoder[i] += (2 * residual[i] * code) / points.length;
      }
    }
    return { error, gradient, size: Math.hypot(...gradient.encoder, ...gradient.decoder) };
  }

  /** One step of gradient descent; the step size is 0.04, less if the points lie so far apart that it would diverge. */
  function descend(points, weights) {
    const { mean, largest } = principalAxis(points), { gradient } = errorAndGradient(points, mean, weights);
    const rate = Math.min(0.04, 0.4 / largest);
    const moved = part => weights[part].map((value, i) => value - rate * gradient[part][i]);
    return { encoder: moved("encoder"), decoder: moved("decoder") };
  }

  /** Has gradient descent arrived? The gradient is almost zero, in units of the points' variance. */
  function converged(points, weights) {
    const { mean, largest } = principalAxis(points);
    return errorAndGradient(points, mean, weights).size <= 0.005 * largest;
  }

  /** Degrees, 0 to 90, between the decoder's line and the first principal axis. */
  function angleBetween({ decoder }, { angle }) {
    const turn = Math.abs(Math.atan2(decoder[1], decoder[0]) - angle) % Math.PI;
    return (Math.min(turn, Math.PI - turn) * 180) / Math.PI;
  }

  /** Random weights of length 0.4. */
  function initialWeights(random) {
    const direction = () => { const turn = 2 * Math.PI * random(); return [0.4 * Math.cos(turn), 0.4 * Math.sin(turn)]; };
    return { encoder: direction(), decoder: direction() };
  }

  // ---- Figures ----

  /** A new element with attributes and children. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  const signed = text => text.replace("-", "\u2212"); // a true minus sign

  /** data-live="map": a plane of codes to drag over; each panel's decoder draws what the code means. */
  function mapFigure(figure) {
    const { axes, low, high, step, start, shape, panels } = JSON.parse(figure.querySelector("script").textContent);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const inputs = axes.map((axis, i) => make("input", {
      type: "range", min: low[i], max: high[i], step, autocomplete: "off",
    }));
    const values = axes.map(() => make("output"));
    inputs.forEach((input, i) => { input.value = start[i]; });

    const parts = [...figure.querySelectorAll("[data-panel]")].map((panel, k) => {
      const canvas = make("canvas", { width: shape[1], height: shape[0], role: "img" });
      panel.querySelector("img").replaceWith(canvas);
      return {
        network: readNetwork(panels[k].layers), points: panels[k].points, labels: panels[k].labels, range: panels[k].range, canvas,
        said: panel.querySelector(".ae-live-said"), plane: panel.querySelector("[data-plane]"),
        ring: panel.querySelector("[data-ring]"),
      };
    });

    function draw() {
      const z = inputs.map(input => Number(input.value)), written = z.map(value => signed(value.toFixed(decimals)));
      for (const { network, points, labels, range, canvas, said, plane, ring } of parts) {
        const pixels = runNetwork(network, z), picture = new ImageData(shape[1], shape[0]);
        pixels.forEach((value, i) => {
          const grey = Math.round((255 * (value - range[0])) / (range[1] - range[0])); // clamped to 0 to 255 as it is stored
          picture.data.set([grey, grey, grey, 255].map(level => Math.min(255, Math.max(0, level))), 4 * i);
        });
        canvas.getContext("2d").putImageData(picture, 0, 0);
        const box = ["x", "y", "width", "height"].map(key => Number(plane.getAttribute(key)));
        ring.setAttribute("cx", box[0] + (box[2] * (z[0] - low[0])) / (high[0] - low[0]));
        ring.setAttribute("cy", box[1] + (box[3] * (high[1] - z[1])) / (high[1] - low[1]));
        let nearest = 0, least = Infinity;
        points.forEach((point, i) => {
          const distance = (point[0] - z[0]) ** 2 + (point[1] - z[1]) ** 2;
          if (distance < least) [nearest, least] = [i, distance];
        });
        const near = `nearest test code: ${labels[nearest]}`;
        canvas.setAttribute("aria-label", `decoded image at ${axes[0]} = ${written[0]}, ${axes[1]} = ${written[1]}; ${near}`);
        said.textContent = near;
      }
      inputs.forEach((input, i) => {
        values[i].value = written[i];
        input.setAttribute("aria-valuetext", `${axes[i]} = ${written[i]}; ${parts.map(part => part.said.textContent).join("; ")}`);
      });
    }

    for (const { plane } of parts) {
      const pad = plane.ownerSVGElement;
      const move = event => {
        const box = plane.getBoundingClientRect();
        const across = [(event.clientX - box.left) / box.width, (box.bottom - event.clientY) / box.height];
        inputs.forEach((input, i) => { input.value = low[i] + across[i] * (high[i] - low[i]); }); // rounded, kept in range
        draw();
      };
      pad.addEventListener("pointerdown", event => {
        if (event.button !== 0) return;
        event.preventDefault(); // selects no text
        pad.setPointerCapture(event.pointerId);
        move(event);
      });
      pad.addEventListener("pointermove", event => { if (pad.hasPointerCapture(event.pointerId)) move(event); });
    }
    inputs.forEach(input => input.addEventListener("input", draw));
    const labels = inputs.map((input, i) => make("label", {}, make("span", {}, axes[i]), input, values[i]));
    figure.querySelector(".ae-live-controls").append(...labels);
    figure.classList.add("ae-live-on");
    draw();
  }

  /** data-live="line": a linear autoencoder that trains in the page on points that the reader moves. */
  function lineFigure(figure) {
    const svg = figure.querySelector("svg"), part = name => svg.querySelector(`[data-part=${name}]`);
    const circles = [...part("points").querySelectorAll("circle")];
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const limit = [width / 2 - 0.1, height / 2 - 0.1];
    let points = circles.map(circle => ["cx", "cy"].map(key => Number(circle.getAttribute(key))));
    const first = principalAxis(points).angle + 1.35; // the first decoder lies almost across the first principal axis
    let weights = { encoder: [0.3, -0.1], decoder: [0.4 * Math.cos(first), 0.4 * Math.sin(first)] };
    let steps = 0, running = false, turned = 0, before = 0;

    const button = (words, act) => { const made = make("button", { type: "button" }, words); made.addEventListener("click", act); return made; };
    const train = button("Train", () => { if (running) pause(); else go(); });
    const once = button("One step", () => { pause(); step(); draw(); announce(); });
    const reset = button("New weights", () => { weights = initialWeights(Math.random); steps = 0; pause(); draw(); go(); });
    const rotate = make("input", { type: "range", min: -90, max: 90, step: 5, value: 0, autocomplete: "off" });
    const text = make("p", { class: "ae-live-said" }), news = make("p", { class: "ae-live-news", role: "status" });

    const step = () => { weights = descend(points, weights); steps += 1; };

    function summary() {
      const axis = principalAxis(points), { error } = errorAndGradient(points, axis.mean, weights);
      return { axis, error: error.toFixed(3), floor: axis.smallest.toFixed(3), angle: angleBetween(weights, axis).toFixed(1) };
    }

    function announce() {
      const { error, floor, angle } = summary();
      news.textContent = `${converged(points, weights) ? "Converged" : "Stopped"} after ${steps} steps: squared error ${error}, ` +
        `PCA ${floor}; ${angle} degrees from the first principal axis.`;
    }

    function draw() {
      const { axis, error, floor, angle } = summary(), { mean } = axis, at = numbers => numbers.map(number => number.toFixed(3)).join(" ");
      const images = points.map(([x, y]) => {
        const code = weights.encoder[0] * (x - mean[0]) + weights.encoder[1] * (y - mean[1]);
        return [mean[0] + code * weights.decoder[0], mean[1] + code * weights.decoder[1]];
      });
      circles.forEach((circle, i) => { circle.setAttribute("cx", points[i][0]); circle.setAttribute("cy", points[i][1]); });
      part("errors").setAttribute("d", points.map((point, i) => `M${at(point)}L${at(images[i])}`).join(""));
      part("images").setAttribute("d", images.map(image => `M${at(image)}h0`).join(""));
      for (const [name, [dx, dy]] of [["decoder", weights.decoder], ["axis", [Math.cos(axis.angle), Math.sin(axis.angle)]]]) {
        const reach = 9 / Math.hypot(dx, dy);
        part(name).setAttribute("d", `M${at([mean[0] - reach * dx, mean[1] - reach * dy])}L${at([mean[0] + reach * dx, mean[1] + reach * dy])}`);
      }
      text.replaceChildren(...[["step", steps], ["squared error", error], ["smallest possible (PCA)", floor], ["angle to the principal axis", `${angle}\u00b0`]]
        .map(([words, number]) => make("span", {}, `${words} `, make("b", {}, String(number)))));
      svg.setAttribute("aria-label", `${points.length} points; the decoder\u2019s line is ${angle} degrees from their first principal axis, ` +
        `squared error ${error}, PCA ${floor}, after ${steps} steps`);
      train.textContent = running ? "Pause" : "Train";
    }

    function frame(now) {
      if (!running) return;
      for (let due = Math.min(4, Math.floor((now - before) / 16)); due > 0 && running; due--, before = now) {
        step();
        if (!held && converged(points, weights)) { running = false; announce(); }
      }
      draw();
      requestAnimationFrame(frame);
    }

    function go() {
      if (calm.matches) { // no animation: train to the end at once
        for (let i = 0; i < 5000 && !converged(points, weights); i++) step();
        draw();
        announce();
      } else if (!running) {
        running = true;
        before = performance.now();
        requestAnimationFrame(frame);
      }
    }

    function pause() {
      if (running) { running = false; announce(); }
      draw();
    }

    /** The points have moved: the network follows them, but under reduced motion only when it is told to. */
    function follow() { steps = running ? steps : 0; draw(); if (!calm.matches) go(); }

    let held = null; // the index of the point that is dragged
    const place = event => {
      const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(part("points").getScreenCTM().inverse());
      return [spot.x, spot.y].map((value, i) => Math.min(limit[i], Math.max(-limit[i], value)));
    };
    part("points").addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      event.preventDefault();
      const spot = place(event), far = points.map(point => Math.hypot(point[0] - spot[0], point[1] - spot[1]));
      held = far.indexOf(Math.min(...far));
      part("points").setPointerCapture(event.pointerId);
      circles[held].classList.add("held");
    });
    part("points").addEventListener("pointermove", event => {
      if (held === null) return;
      points[held] = place(event);
      follow();
    });
    for (const end of ["pointerup", "pointercancel"]) part("points").addEventListener(end, () => {
      if (held !== null) circles[held].classList.remove("held");
      held = null;
    });
    rotate.addEventListener("input", () => {
      const turn = ((rotate.value - turned) * Math.PI) / 180, { mean } = principalAxis(points), [c, s] = [Math.cos(turn), Math.sin(turn)];
      points = points.map(([x, y]) => [mean[0] + c * (x - mean[0]) - s * (y - mean[1]), mean[1] + s * (x - mean[0]) + c * (y - mean[1])]);
      turned = Number(rotate.value);
      rotate.setAttribute("aria-valuetext", `${turned} degrees`);
      follow();
    });
    rotate.setAttribute("aria-valuetext", "0 degrees");

    figure.querySelector(".ae-live-controls").append(text, make("div", { class: "ae-live-buttons" }, train, once, reset,
      make("label", {}, make("span", {}, "Rotate the points"), rotate)), news);
    figure.classList.add("ae-live-on");
    draw();
    const watch = new IntersectionObserver(entries => {
      if (!entries.some(entry => entry.isIntersecting)) return;
      watch.disconnect();
      if (!calm.matches) go();
    }, { threshold: 0.6 });
    watch.observe(svg);
  }

  const FIGURES = { map: mapFigure, line: lineFigure };

  function start() {
    for (const figure of document.querySelectorAll("[data-live]")) {
      try {
        FIGURES[figure.dataset.live](figure);
      } catch (error) { // the still stays, and so do the other figures
        console.error(error);
      }
    }
  }

  if (typeof module !== "undefined") {
    module.exports = { readNetwork, runNetwork, principalAxis, errorAndGradient, descend, converged, angleBetween, initialWeights };
  } else if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
