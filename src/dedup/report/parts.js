// The packed parts of this page: base64, zlib, JSON. What a record holds is said in data.py.

const index = JSON.parse(document.getElementById("index").textContent);

// Texts are large: only the last few parts stay unpacked.
const KEPT_PARTS = 8;
const unpacked = new Map();

async function unpack(name) {
  const bytes = Uint8Array.from(atob(document.getElementById(name).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function part(name) {
  const records = unpacked.get(name) ?? unpack(name);
  unpacked.delete(name);
  unpacked.set(name, records);
  if (unpacked.size > KEPT_PARTS) unpacked.delete(unpacked.keys().next().value);
  return records;
}

// How many records of a kind this file holds.
function stored(kind) {
  return index[kind].at(-1);
}

// All records of a kind.
async function all(kind) {
  const names = index[kind].slice(1).map((_, number) => `${kind}-${number}`);
  return (await Promise.all(names.map(unpack))).flat();
}

// One record of a kind; null when there was no room for it.
async function record(kind, number) {
  if (number >= stored(kind)) return null;
  const place = index[kind].findLastIndex((start) => start <= number);
  return (await part(`${kind}-${place}`))[number - index[kind][place]];
}
