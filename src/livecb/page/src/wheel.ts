import type { State } from "../client/api";
import { Backoff } from "../client/backoff";
import { ApiError } from "../client/errors";
import { getJson } from "../client/http";
import type { Command } from "../client/generated/events";
import { keyOf } from "./data/controls";

/** What this viewer may do, each with all before it. */
export type Role = "view" | "control" | "write" | "admin";

interface Access {
  role: Role;
  /** The name of the token, where it has one: then it says who asks. */
  name: string | null;
  /** By which word others are told of who asks and says no name. */
  who: string;
}

const NAME = "livecb.name";
/** What was sent and shows nowhere after so long is lost sight of. */
const LOST_MS = 15_000;

/** What this viewer asks of a run: whether they may, what is on its way, and what went wrong with it. Who asks is told. */
export class Wheel {
  /** Null until the server told. */
  access: Access | null = null;
  /** Whether the server was asked in vain: then nobody here knows. */
  unknown = false;
  /** What went wrong last, by what it was about. */
  readonly failures = new Map<string, string>();
  /** What is on its way, by what it is about: the value asked for, and the command's id once the server took it. */
  readonly sending = new Map<string, { value: unknown; id: string | null }>();
  #stopped = false;

  constructor(private readonly address: string, private readonly base: string, private readonly changed: () => void) {
    void this.#askAccess();
  }

  /** Ask what this viewer may do, until the server tells. */
  async #askAccess(): Promise<void> {
    const backoff = new Backoff();
    while (this.access === null && !this.#stopped) {
      try {
        this.access = await getJson<Access>(`${this.base}api/access`);
        this.unknown = false;
      } catch (error) {
        this.unknown = true;
        // What the server refuses it refuses for good; what is away may come back.
        if (error instanceof ApiError && error.final) this.#stopped = true;
      }
      this.changed();
      if (this.access === null && !this.#stopped) await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
  }

  /** Ask nothing more by itself. */
  stop(): void {
    this.#stopped = true;
  }

  /** Why this viewer may not steer; null where they may. */
  get barred(): string | null {
    if (this.access?.role !== "view") return null;
    return "You may look at this run, not steer it: ask whoever gave you the address for one with the role “control”.";
  }

  /** What others are told of who asks; empty while nobody said. */
  get name(): string {
    return this.access?.name ?? stored();
  }

  set name(name: string) {
    try {
      localStorage.setItem(NAME, name.trim());
    } catch {
      // No storage: the name is said each time.
    }
  }

  /** Ask something of the run. What becomes of it, its State tells. */
  async ask(name: string, { parameter, value }: { parameter?: string; value?: unknown } = {}): Promise<void> {
    const key = keyOf(name, parameter, value);
    this.sending.set(key, { value, id: null });
    await this.#try(key, async () => {
      const asked = await this.#post<{ id: string }>("commands", { name, parameter, value, by: this.name || undefined });
      this.sending.set(key, { value, id: asked.id });
      setTimeout(() => this.#forget(key, asked.id), LOST_MS);
    });
  }

  /** Write a note, on a step if one is named; true if it was taken. */
  async note(text: string, step: number | null): Promise<boolean> {
    return this.#try("note", () => this.#post("notes", { text, author: this.name || undefined, step }));
  }

  /** Let a note say something else; true if it does. */
  async rewrite(id: string, text: string): Promise<boolean> {
    return this.#try(`note ${id}`, () => getJson(this.#note(id), { method: "PATCH", body: { text } }));
  }

  /** Take a note back; true if it is gone. */
  async takeBack(id: string): Promise<boolean> {
    return this.#try(`note ${id}`, () => getJson(this.#note(id), { method: "DELETE" }));
  }

  #note(id: string): string {
    return `${this.address}/notes/${encodeURIComponent(id)}`;
  }

  /** The run has told something new: what it tells of is on its way no more. */
  see(state: Pick<State, "alive"> & { commands: Command[] }): void {
    const told = new Set(state.commands.map(({ id }) => id));
    for (const [key, { id }] of this.sending) if (id !== null && (told.has(id) || !state.alive)) this.sending.delete(key);
  }

  #forget(key: string, id: string): void {
    if (this.sending.get(key)?.id !== id) return;
    this.sending.delete(key);
    this.changed();
  }

  async #try(key: string, send: () => Promise<unknown>): Promise<boolean> {
    this.failures.delete(key);
    this.changed();
    try {
      await send();
      return true;
    } catch (error) {
      this.sending.delete(key);
      this.failures.set(key, wordsOf(error));
      return false;
    } finally {
      this.changed();
    }
  }

  #post<T>(name: string, body: unknown): Promise<T> {
    return getJson<T>(`${this.address}/${name}`, { method: "POST", body });
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.title}: ${error.detail}`;
  return "The server did not answer, so nobody knows whether it was asked. Once the page is live again, see below what came of it before you ask again.";
}

function stored(): string {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}
