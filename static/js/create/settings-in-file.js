// Whether a picture file says how it was made, without uploading it: only then is it worth asking what it is for. The server reads the settings.

const HEAD = 256 * 1024;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORDS = ["parameters", "atelier"];
const TEXT_CHUNKS = ["tEXt", "iTXt", "zTXt"];

/** The keywords of a PNG's text chunks in these bytes (PNG specification, 5.3 and 11.3.3). */
export function textKeywords(bytes) {
  if (PNG.some((byte, place) => bytes[place] !== byte)) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 8; at + 8 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (TEXT_CHUNKS.includes(type)) {
      const body = bytes.subarray(at + 8, Math.min(at + 8 + 80, at + 8 + length));
      const end = body.indexOf(0);
      if (end > 0) found.push(String.fromCharCode(...body.subarray(0, end)));
    }
    if (type === "IDAT" || type === "IEND") break;
    at += 12 + length;
  }
  return found;
}

/** JPEG and WebP keep the settings in EXIF's UserComment, as 8-bit text or as UTF-16. */
export function mentionsSteps(bytes) {
  const text = new TextDecoder("latin1").decode(bytes).replaceAll("\0", "");
  return /Steps: \d+, Sampler: /.test(text);
}

/** @param {Blob} file */
export async function holdsSettings(file) {
  try {
    const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
    return textKeywords(bytes).some((keyword) => KEYWORDS.includes(keyword)) || mentionsSteps(bytes);
  } catch {
    return false;
  }
}
