// Draw the mathematics; an equation that is wider than its column is drawn smaller.
"use strict";

async function begin() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise([...document.querySelectorAll(".math")]);
  for (const equation of document.querySelectorAll(".math.display")) {
    for (let size = 0.84; size > 0.6 && equation.scrollWidth > equation.clientWidth + 1; size -= 0.01) {
      equation.style.fontSize = `${size}em`;
    }
  }
  document.documentElement.dataset.ready = "yes";
}

begin();
