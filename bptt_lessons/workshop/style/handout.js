// Draw the mathematics; an equation that is wider than its column is drawn smaller, and so is a page that is too long.
"use strict";

// Millimetres, at a width of 192: what goes on a sheet of Letter, the shorter of the two; and what certainly does with
// other fonts than the page asks for, whose lines may break otherwise on paper than on the screen.
const LONGEST = 262, SAFE = 244;

function shrink(element, size, smallest, unit, large) {
  for (; size >= smallest && large(); size -= 0.01) element.style.fontSize = `${size}${unit}`;
}

async function begin() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise([...document.querySelectorAll(".math")]);
  for (const equation of document.querySelectorAll(".math.display")) {
    shrink(equation, 0.99, 0.6, "em", () => equation.scrollWidth > equation.clientWidth + 1);
  }
  const high = () => {
    const box = document.querySelector("main").getBoundingClientRect();
    return box.height / box.width * 192;
  };
  if (high() > LONGEST) shrink(document.body, 8.4, 6.5, "pt", () => high() > SAFE);
  document.documentElement.dataset.ready = "yes";
}

begin();
