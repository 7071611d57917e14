import { ApiError } from "../../client/errors";
import type * as http from "../../client/http";
import { answerOf } from "./answers";
import { heldHere } from "./held";

export { isAbort, withQuery } from "../../client/http";

/** As the live page asks; the file itself answers, and nothing leaves it. */
export const getJson: typeof http.getJson = async <T>(address: string, asking: http.Asking = {}) => {
  if ((asking.method ?? "GET") !== "GET") return (await ask(address)) as T;
  return answerOf(await heldHere(), address) as T;
};

export const ask: typeof http.ask = () =>
  Promise.reject(new ApiError(405, "This is a copy", "what is asked of it reaches no training and no server"));
