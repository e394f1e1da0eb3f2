import { afterEach, expect, test, vi } from "vitest";
import { type Land, shade } from "../src/map/area-draw";

afterEach(() => vi.unstubAllGlobals());

test("areas that lie over one another from afar show their own step, and not the sum of them", () => {
  const tokens: Record<string, string> = { "--shade": "#007080", "--map-land": "#ffffff", "--ink-soft": "#333333" };
  vi.stubGlobal("document", { documentElement: {} });
  vi.stubGlobal("getComputedStyle", () => ({ getPropertyValue: (name: string) => tokens[name] ?? "" }));
  const filled: [colour: string, alpha: number][] = [];
  const brush = {
    globalAlpha: 1, fillStyle: "", strokeStyle: "", lineWidth: 1, setLineDash: () => undefined, stroke: () => undefined,
    fill: () => filled.push([brush.fillStyle, brush.globalAlpha]),
  };
  const land = ["A", "B", "C"].map((code): Land => ({ code, path: {} as Path2D }));
  const steps = new Map([["A", 0], ["B", 0], ["C", 4]]);
  shade(brush as unknown as CanvasRenderingContext2D, land, steps, false);
  expect(filled).toEqual([
    ["color-mix(in srgb, #007080 7%, #ffffff)", 1], ["color-mix(in srgb, #007080 7%, #ffffff)", 1],
    ["color-mix(in srgb, #007080 92%, #ffffff)", 1],
  ]);
});
