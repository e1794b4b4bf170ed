import type { Deletion, Touch, Write, WriteResult } from "../../databank/driver.js";
import { isLive } from "../../databank/entry.js";
import { type Change, deleteRequest, type Place, putRequest, touchRequest } from "./changes.js";
import { deletionCondition, touchCondition, writeCondition } from "./conditions.js";
import { decideDeletion, decideTouch, decideWrite } from "./decisions.js";
import { toItem } from "./item.js";

/** How a write on a condition goes about it. */
export function writing(place: Place): Change<Write, WriteResult> {
  return {
    attempt(write, key) {
      const now = Date.now();
      // What has passed deletes or extends, depending on what is there.
      if (!isLive(write.expiresAt, now)) return undefined;
      const item = toItem(write, key, place.indexed(write.json));
      return { request: putRequest(item, writeCondition(write, now)), answer: "done" };
    },
    decide: decideWrite,
  };
}

/** How a touch goes about it. */
export const TOUCHING: Change<Touch, boolean> = {
  attempt(touch, key) {
    const condition = touchCondition(touch, Date.now());
    return { request: touchRequest(key, touch.expiresAt, condition), answer: true };
  },
  decide: decideTouch,
};

/** How a deletion goes about it. */
export const DELETING: Change<Deletion, boolean> = {
  attempt(deletion, key) {
    const condition = deletionCondition(deletion, Date.now());
    return { request: deleteRequest(key, condition), answer: true };
  },
  refusal: false,
  decide: decideDeletion,
};
