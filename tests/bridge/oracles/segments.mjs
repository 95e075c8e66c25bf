// Texts at every boundary, with the encoding and the number of parts that `sms-segments-calculator` (Twilio's) counts.
// `node oracles/segments.mjs > ../../bridge/tests/text/segments.json`, in tests/bridge. The seed is fixed.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { SegmentedMessage } = require('sms-segments-calculator');
const { version } = require('sms-segments-calculator/package.json');

let seed = 20260115;
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};
const pick = (characters) => characters[random(characters.length)];

const plain = [...'@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà'];
const extended = [...'^{}\\[~]|€'];
const wide = [...'çжЩ中語ابשלם`“”–ѣ'];
const emoji = [...'😀🎓🏫𝕏'];
const pools = {
  plain,
  extended: [...plain, ...extended, ...extended],
  pairs: extended,
  wide: [...wide, ...plain],
  emoji: [...emoji, ...wide],
  surrogates: emoji,
};
const rows = [];
const add = (text) => {
  // Nothing here is a cluster of characters: those the library never cuts, though every gateway does.
  const message = new SegmentedMessage(text, 'auto', false);
  rows.push([text, message.encodingName, message.segmentsCount]);
};
for (const pool of Object.values(pools)) {
  const lengths = [1, 2, 33, 34, 35, 36, 66, 67, 68, 69, 70, 71, 76, 77, 79, 80, 81, 133, 134, 135, 152, 153, 154, 159, 160, 161, 200, 201, 202, 305, 306, 307, 459, 460];
  for (const length of lengths) {
    for (let again = 0; again < 3; again += 1) add(Array.from({ length }, () => pick(pool)).join(''));
  }
}
// One wide character at every place around the boundaries.
for (const [character, filler, from, to] of [['€', 'a', 148, 162], ['€', 'a', 300, 310], ['😀', 'ж', 62, 73], ['😀', 'ж', 130, 138]]) {
  for (let place = from; place < to; place += 1) {
    for (const rest of [0, 1, 2, 20, 160]) add(filler.repeat(place) + character + filler.repeat(rest));
  }
}
console.log(`{"version": ${JSON.stringify(version)},\n"texts": [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]}`);
