/** The shape of each kind as an SVG path in a box of 24 by 24, one drawing for map, chip, list and print. */

export const BOX = 24;

const SHAPES: Record<string, string> = {
  circle: "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z",
  diamond: "M12 1.3 22.7 12 12 22.7 1.3 12Z",
  heart:
    "M12 21.6C5.2 16.3 1.6 12.7 1.6 8.4 1.6 5.2 4.1 2.8 7.1 2.8c2 0 3.8 1 4.9 2.7 1.1-1.7 2.9-2.7 4.9-2.7 3 0 5.5 2.4 5.5 5.6 0 4.3-3.6 7.9-10.4 13.2Z",
  square: "M4.6 3.4h14.8a1.2 1.2 0 0 1 1.2 1.2v14.8a1.2 1.2 0 0 1-1.2 1.2H4.6a1.2 1.2 0 0 1-1.2-1.2V4.6a1.2 1.2 0 0 1 1.2-1.2Z",
  pentagon: "M12 1.8 22.3 9.3 18.4 21.6H5.6L1.7 9.3Z",
  triangle: "M12 2 23 21.2H1Z",
  star: "M12 .8l3.3 7.3 7.9.9-5.9 5.4 1.6 7.9L12 18.3l-6.9 4 1.6-7.9L.8 9l7.9-.9Z",
  hexagon: "M6.5 2.6h11L22.9 12l-5.4 9.4h-11L1.1 12Z",
  cross: "M8.3 2.2h7.4v6.1h6.1v7.4h-6.1v6.1H8.3v-6.1H2.2V8.3h6.1Z",
  drop: "M12 1.2c4.7 5.3 7.6 9.4 7.6 13a7.6 7.6 0 0 1-15.2 0c0-3.6 2.9-7.7 7.6-13Z",
};

/** The path of a shape; a shape we do not know is drawn as a circle. */
export const shapePath = (shape: string): string => SHAPES[shape] ?? SHAPES.circle ?? "";
