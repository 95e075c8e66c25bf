/** Something that the person at the keyboard can mend; its message is one sentence with the remedy. */
export class Problem extends Error {
  name = "Problem";
}
