"use strict";
const paper = document.getElementById("paper");
const seen = document.getElementById("seen");
const bars = document.getElementById("bars");
const message = document.getElementById("message");
const pen = paper.getContext("2d", { willReadFrequently: true });
const strokes = [];
let rows = [];
let drawing = null; // the id of the pointer that draws
let busy = false;
let stale = false;

function redraw() {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, paper.width, paper.height);
  pen.lineWidth = 40;
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of strokes) {
    pen.beginPath();
    pen.moveTo(...stroke[0]);
    for (const point of stroke) pen.lineTo(...point);
    pen.stroke();
  }
  look();
}

// One request at a time; what is drawn meanwhile is looked at afterwards, once.
async function look() {
  stale = true;
  if (busy) return;
  busy = true;
  while (stale) {
    stale = false;
    try {
      if (strokes.length === 0) show(null, null, "Draw on the paper.");
      else await ask();
    } catch (error) {
      show(null, null, `No answer: ${error.message}`);
    }
  }
  busy = false;
}

async function ask() {
  const body = await new Promise((done) => paper.toBlob(done, "image/png"));
  const response = await fetch("look", { method: "POST", body });
  const { image, probabilities, error } = await response.json();
  show(image, probabilities, error);
}

function show(image, probabilities, text) {
  const best = probabilities && probabilities.indexOf(Math.max(...probabilities));
  rows.forEach((row, i) => {
    const p = probabilities ? probabilities[i] : 0;
    row.item.className = i === best ? "best" : "";
    row.bar.style.width = `${100 * p}%`;
    row.figure.textContent = probabilities ? `${(100 * p).toFixed(1)} %` : "";
  });
  message.textContent = text || "";
  if (image) {
    seen.height = image.length;
    seen.width = image[0].length;
  }
  const context = seen.getContext("2d");
  context.clearRect(0, 0, seen.width, seen.height);
  if (!image) return;
  const pixels = context.createImageData(seen.width, seen.height);
  image.flat().forEach((pixel, i) => {
    const colour = pixel.length === 3 ? pixel : [pixel[0], pixel[0], pixel[0]];
    pixels.data.set([...colour, 255], 4 * i);
  });
  context.putImageData(pixels, 0, 0);
}

function add(event) {
  const box = paper.getBoundingClientRect();
  const scale = paper.width / box.width;
  strokes.at(-1).push([(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]);
  redraw();
}

function undo() { strokes.pop(); drawing = null; redraw(); }
function clear() { strokes.length = 0; drawing = null; redraw(); }

paper.addEventListener("pointerdown", (event) => {
  if (drawing !== null || event.button !== 0) return;
  drawing = event.pointerId;
  paper.setPointerCapture(drawing);
  strokes.push([]);
  add(event);
});
paper.addEventListener("pointermove", (event) => {
  if (event.pointerId === drawing) add(event);
});
for (const end of ["pointerup", "pointercancel"])
  paper.addEventListener(end, (event) => {
    if (event.pointerId === drawing) drawing = null;
  });
document.getElementById("undo").addEventListener("click", undo);
document.getElementById("clear").addEventListener("click", clear);
document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if (event.altKey || ((event.ctrlKey || event.metaKey) && key !== "z")) return;
  if (key === "z") undo();
  else if (key === "c") clear();
  else return;
  event.preventDefault();
});

function makeRow(label) {
  const item = document.createElement("li");
  const [name, track, bar, figure] = ["span", "div", "div", "span"].map((tag) =>
    document.createElement(tag));
  name.textContent = label;
  track.className = "track";
  bar.className = "bar";
  track.append(bar);
  item.append(name, track, figure);
  bars.append(item);
  return { item, bar, figure };
}

fetch("classes").then((response) => response.json()).then((labels) => {
  rows = labels.map(makeRow);
  redraw();
});
