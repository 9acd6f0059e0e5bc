// Draw the mathematics, make what is too large fit, and only then begin.
"use strict";

const SIZES = [28, 27.5, 27, 26.5, 26, 25.5, 25, 24.5, 24, 23.5, 23, 22.5, 22];

function overflows(body) {
  const wide = (e) => e.scrollWidth > e.clientWidth + 1;
  return body.scrollHeight > body.clientHeight + 1 || [body, ...body.querySelectorAll(".block, pre")].some(wide);
}

// An equation with a number cannot be broken: it is drawn as small as it has to be.
function narrow(equation) {
  for (let size = 0.92; size > 0.6 && equation.scrollWidth > equation.clientWidth + 1; size -= 0.02) {
    equation.style.fontSize = `${size}em`;
  }
}

function fit(body) {
  body.querySelectorAll(".math.display").forEach(narrow);
  for (const size of SIZES) {
    body.style.fontSize = `${size}px`;
    if (!overflows(body)) break;
  }
}

function switchLight() {
  const dark = getComputedStyle(document.body).backgroundColor.match(/\d+/)[0] < 128;
  document.documentElement.style.colorScheme = dark ? "light" : "dark";
}

// The speaker's window has no styles of MathJax's: they go along with the notes.
function styleNotes() {
  const hide = "<style>mjx-assistive-mml{position:absolute;clip:rect(1px,1px,1px,1px)}</style>";
  document.querySelectorAll("aside.notes").forEach((notes) => notes.insertAdjacentHTML("afterbegin", hide));
}

// What a screen reader is told of itself: heading and prose. Code, tables and equations are there to be read on the slide.
function announce() {
  const section = Reveal.getCurrentSlide().cloneNode(true);
  section.querySelectorAll("pre, figure, table, .math.display, footer, aside, .fragment:not(.visible)").forEach((e) => e.remove());
  const { indexh } = Reveal.getState();
  const link = document.querySelector(".slide-number a");
  if (link) link.setAttribute("aria-label", `Slide ${indexh + 1} of ${Reveal.getTotalSlides()}`);
  const status = document.querySelector(".aria-status");
  if (status) status.textContent = section.textContent.replace(/\s+/g, " ").trim();
}

async function begin() {
  if (/print-pdf/.test(location.search)) document.documentElement.style.colorScheme = "light";
  document.documentElement.classList.add("measuring");
  await MathJax.startup.promise;
  await MathJax.typesetPromise([...document.querySelectorAll(".math")]);
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  document.querySelectorAll(".body").forEach(fit);
  styleNotes();
  document.documentElement.classList.remove("measuring");
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, transition: "none", backgroundTransition: "none",
    slideNumber: "c/t", navigationMode: "linear", pdfSeparateFragments: false, help: true, plugins: [RevealNotes],
  });
  Reveal.addKeyBinding({ keyCode: 68, key: "D", description: "Light or dark" }, switchLight);
  const later = () => setTimeout(announce); // after reveal.js has said what it says
  ["slidechanged", "fragmentshown", "fragmenthidden"].forEach((event) => Reveal.on(event, later));
  later();
  document.documentElement.dataset.ready = "yes";
}

begin();
