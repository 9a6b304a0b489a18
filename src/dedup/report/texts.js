// A text with what is marked in it: what differs, and furniture with its kind.

const MARKS = {
  ins: "only in this text",
  del: "only in the kept text",
};

// Ranges from numbers: how far from the last one, how long, and with `more`, what.
function ranges(numbers, more = 0) {
  const found = [];
  let at = 0;
  for (let place = 0; place < numbers.length; place += 2 + more) {
    const start = at + numbers[place];
    at = start + numbers[place + 1];
    found.push({ start, end: at, what: numbers[place + 2] });
  }
  return found;
}

// A text from its pieces: itself, or offset and length of a copy out of the kept text.
function restore(pieces, base) {
  let text = "";
  for (let place = 0; place < pieces.length; place += 1) {
    const piece = pieces[place];
    if (typeof piece === "string") text += piece;
    else text += base.substr(piece, pieces[(place += 1)]);
  }
  return text;
}

function sign(text) {
  return make("span", { class: "sign", dir: "ltr" }, text);
}

function furnitureMark(text, { what }) {
  const kind = make("span", { class: "kind", dir: "ltr" }, index.kinds[what].replace("_", " "));
  return make("span", { class: "furniture" }, sign("[furniture, "), kind, visible(text), sign("]"));
}

function changeMark(tag) {
  return (text) => make(tag, { class: "change", tabindex: -1 }, sign(`[${MARKS[tag]}: `), visible(text), sign("]"));
}

// The block of a text. `layers` are pairs of ranges and of what makes an element of one; no two ranges overlap.
function block(text, ...layers) {
  const marks = layers.flatMap(([found, maker]) => found.map((range) => ({ ...range, maker })));
  marks.sort((left, right) => left.start - right.start);
  const element = make("div", { class: "text", dir: "auto" });
  let at = 0;
  for (const mark of marks) {
    element.append(visible(text.slice(at, mark.start)), mark.maker(text.slice(mark.start, mark.end), mark));
    at = mark.end;
  }
  element.append(visible(text.slice(at)));
  return element;
}

function cutNote({ length }) {
  if (!length) return null;
  const shown = digits(index.shown);
  return make(
    "p",
    { class: "note" },
    `This text has ${digits(length)} characters; the first ${shown} are shown and compared.`,
  );
}
