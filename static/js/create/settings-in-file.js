// Whether a picture file says how it was made, without uploading it: only then is it worth asking what it is for. The server reads the settings.

const HEAD = 256 * 1024;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORDS = ["parameters", "atelier", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Dream", "fooocus_scheme"];
const TEXT_CHUNKS = ["tEXt", "iTXt", "zTXt"];
/** What stands in EXIF, XMP or a comment that some tool wrote. */
const MARKS = [/Steps: \d+, /, /"sui_image_params"/, /"class_type"/, /"base_model"/, /"Base Model"/, /"widgets_values"/, /atelier:settings=/];

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

/** JPEG and WebP keep the settings in EXIF, as 8-bit text or as UTF-16; NovelAI names itself in a PNG. */
export function mentionsSettings(bytes) {
  const text = new TextDecoder("latin1").decode(bytes).replaceAll("\0", "");
  return MARKS.some((mark) => mark.test(text));
}

/** @param {Blob} file */
export async function holdsSettings(file) {
  try {
    // A JPEG has them before its pixels, a WebP behind.
    const [head, tail] = await Promise.all([file.slice(0, HEAD), file.slice(Math.max(HEAD, file.size - HEAD))].map(async (part) => new Uint8Array(await part.arrayBuffer())));
    const keywords = textKeywords(head);
    return keywords.some((keyword) => KEYWORDS.includes(keyword)) || (keywords.includes("Comment") && keywords.includes("Software")) || mentionsSettings(head) || mentionsSettings(tail);
  } catch {
    return false;
  }
}
