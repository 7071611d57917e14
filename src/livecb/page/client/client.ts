import type { Appended, Asked, ShareMade } from "./api.js";
import { ApiError, LivecbError } from "./errors.js";
import { filesOf, sha256, type Files } from "./files.js";
import type { FileRef, LivecbEvent, Note } from "./generated/events.js";
import { lineOf } from "./line.js";
import { LiveRun } from "./live.js";
import { Reader } from "./reader.js";

export type { EventsOptions, RunQuery } from "./reader.js";

/** What makes one value of a `set`, or says more of a command. */
export interface SendOptions {
  /** What to set. */
  parameter?: string;
  /** What to set it to; of a `pause`, the seconds it lasts at most. */
  value?: number | boolean | string;
  /** Who asks. */
  by?: string;
  /** Seconds after which it is not to be obeyed any more. */
  within?: number;
}

/**
 * Runs on a livecb server: listed, read, followed, steered. The same verbs as Python's `livecb.Client`.
 *
 * Every method raises `ApiError`, or a kind of it, when the server says no, and `ServerError` when it does not answer.
 */
export class Client extends Reader {
  /** A store of what a view of one run needs, kept up to date while somebody subscribes to it. */
  live(run: string): LiveRun {
    return new LiveRun(this, run, this.source(run, { state: 1 }));
  }

  /** Write a note on a run, or on one step of it; every viewer sees it. */
  note(run: string, text: string, about: { author?: string; step?: number; epoch?: number } = {}): Promise<Note> {
    return this.json(this.api.part(run, "notes"), { method: "POST", body: { text, ...about } });
  }

  /** Let a note that a reader wrote say something else; `note` is it, or its `id`. */
  editNote(run: string, note: string | Note, text: string): Promise<Note> {
    return this.json(this.#note(run, note), { method: "PATCH", body: { text } });
  }

  /** Take back a note that a reader wrote. */
  async deleteNote(run: string, note: string | Note): Promise<void> {
    await this.json(this.#note(run, note), { method: "DELETE" });
  }

  /**
   * Append events of a training elsewhere to a run, which is made where it is new. It may be called again with the same
   * place and events when no answer came: what is there already is not written again. No events at all say that the
   * training lives. NaN and the infinities survive.
   *
   * @param at Where this part of the log ended: what the call before returned.
   * @param options `files`: the files that the events name, by their hash; those that the server lacks go before them.
   * @returns The place to go on from.
   */
  async append(
    run: string, events: readonly LivecbEvent[], at = "0", { part, files }: { part?: string; files?: Files } = {},
  ): Promise<string> {
    for (const [hash, file] of files ? await filesOf(events, files) : []) await this.#send(run, hash, file);
    const address = this.api.events(run, { at, part });
    return (await this.json<Appended>(address, { method: "POST", body: events.map(lineOf).join("") })).cursor;
  }

  /**
   * Send a file of a training elsewhere, unless the server has it; what comes back is what an event names it by.
   * The run is made where it is new.
   */
  async upload(run: string, file: Blob, { name, mime }: { name?: string; mime?: string } = {}): Promise<FileRef> {
    const hash = await sha256(file);
    await this.#send(run, hash, file);
    const named = name ?? (file as Partial<File>).name ?? hash.slice(0, 12);
    return { hash, name: named, size: file.size, mime: mime ?? (file.type || "application/octet-stream") };
  }

  /**
   * Ask something of a run that goes on: `pause`, `resume`, `stop`, `save`, `evaluate`, `sample`, or `set` with a
   * parameter and a value. `command` events of the same id say what becomes of it. Raises `CommandRefused`.
   */
  send(run: string, name: string, options: SendOptions = {}): Promise<Asked> {
    return this.json(this.api.part(run, "commands"), { method: "POST", body: { name, ...options } });
  }

  /** Call a run something else; null: as it calls itself. */
  async rename(run: string, name: string | null): Promise<void> {
    await this.#change(run, { name });
  }

  /** Give a run these tags instead of those it has; null: its own. */
  async tag(run: string, tags: readonly string[] | null): Promise<void> {
    await this.#change(run, { tags });
  }

  /** Leave a run out of the list, or take it in again. */
  async archive(run: string, archived = true): Promise<void> {
    await this.#change(run, { archived });
  }

  /** Delete a run; `restore` brings it back, for some weeks. Raises `RunWritten`. */
  async delete(run: string): Promise<void> {
    await this.json(this.api.run(run), { method: "DELETE" });
  }

  /** Bring a deleted run back. */
  async restore(run: string): Promise<void> {
    await this.json(`${this.address}api/trash/${encodeURIComponent(run)}`, { method: "POST" });
  }

  /** Make a link that shows this run to read, and nothing else, for a week; its `url` is told this once. */
  async share(run: string, { seconds }: { seconds?: number | null } = {}): Promise<ShareMade & { url: string }> {
    const body = seconds === undefined ? {} : { seconds };
    const made = await this.json<ShareMade>(this.api.part(run, "share"), { method: "POST", body });
    return { ...made, url: new URL(made.path, this.address).href };
  }

  /** Let a link, or the one of a name, show the run no more. */
  async unshare(run: string, link: string | { name: string }): Promise<void> {
    const name = typeof link === "string" ? link : link.name;
    await this.json(this.api.part(run, `share/${encodeURIComponent(name)}`), { method: "DELETE" });
  }

  #note(run: string, note: string | Note): string {
    const id = typeof note === "string" ? note : note.id;
    if (!id) throw new LivecbError("expected a note that a reader wrote, got one of the training's own: those have no `id`, and stay");
    return this.api.part(run, `notes/${encodeURIComponent(id)}`);
  }

  /** Send a file, unless it is there; what is wrong with asking for it, sending it says. */
  async #send(run: string, hash: string, file: Blob): Promise<void> {
    const address = this.api.file(run, hash);
    try {
      await this.ask(address, { method: "HEAD" });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.json(address, { method: "PUT", body: file });
    }
  }

  #change(run: string, labels: Record<string, unknown>): Promise<unknown> {
    return this.json(this.api.run(run), { method: "PATCH", body: labels });
  }
}
