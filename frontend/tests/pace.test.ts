import { beforeEach, expect, test, vi } from "vitest";
import { paced } from "../src/panels/pace";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
});

test("the first calls are heeded at once, a storm of them once in its time, and none is lost", () => {
  const act = vi.fn();
  const call = paced(act, 2, 15_000);
  call();
  call();
  expect(act).toHaveBeenCalledTimes(2);
  for (let second = 0; second < 60; second += 3) {
    call();
    vi.advanceTimersByTime(3000);
  }
  expect(act).toHaveBeenCalledTimes(2 + 4);
  call();
  vi.advanceTimersByTime(15_000);
  expect(act).toHaveBeenCalledTimes(2 + 5);
});

test("after quiet it heeds as many at once as in the beginning, and not more", () => {
  const act = vi.fn();
  const call = paced(act, 2, 15_000);
  for (let n = 0; n < 2; n += 1) call();
  vi.advanceTimersByTime(600_000);
  act.mockClear();
  for (let n = 0; n < 9; n += 1) call();
  expect(act).toHaveBeenCalledTimes(2);
});
