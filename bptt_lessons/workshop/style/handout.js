// Draw the mathematics; an equation that is wider than its column is drawn smaller, and so is a page that is too long.
"use strict";

const LONGEST = 262 / 192; // height by width of what is printed on one sheet of Letter, the shorter of the two

function shrink(element, size, smallest, unit, large) {
  for (; size >= smallest && large(); size -= 0.01) element.style.fontSize = `${size}${unit}`;
}

async function begin() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise([...document.querySelectorAll(".math")]);
  for (const equation of document.querySelectorAll(".math.display")) {
    shrink(equation, 0.99, 0.6, "em", () => equation.scrollWidth > equation.clientWidth + 1);
  }
  const page = document.querySelector("main").getBoundingClientRect.bind(document.querySelector("main"));
  shrink(document.body, 8.5, 6.5, "pt", () => page().height > page().width * LONGEST);
  document.documentElement.dataset.ready = "yes";
}

begin();
