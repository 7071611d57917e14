import type { State } from "../client/api";
import type { ModelCompleted } from "../client/generated/events";
import { newsOf, newsOfModel, type News } from "./data/news";
import { Topics } from "./topics";

/** By what a viewer wants to be told, beside what the page shows. */
export interface Ways {
  notify: boolean;
  sound: boolean;
}

const KEY = "livecb.tell";
/** So many are shown at once; of what comes besides only the number is. */
const MOST = 4;
/** So old a model is no news: it came while nobody could be told. */
const OLD_S = 60;

/** Tells a viewer what happens: by a few lines on the page, and by notifications and sounds where they chose so. */
export class Telling {
  readonly topics = new Topics<"toasts" | "ways">();
  toasts: News[] = [];
  /** How many more there were than fit. */
  more = 0;
  ways: Ways = kept();
  /** Why what was chosen does not come. */
  complaint = "";
  #audio: AudioContext | null = null;
  #leads = !("locks" in navigator);
  #release = (): void => undefined;

  /** `known` is what there is already: only what comes is news. */
  constructor(private readonly run: string, private known: State) {
    // Of the tabs that show a run one notifies and sounds.
    const held = new Promise<void>((resolve) => (this.#release = resolve));
    navigator.locks?.request(`livecb.tell.${this.run}`, () => {
      this.#leads = true;
      return held;
    }).catch(() => (this.#leads = true));
    addEventListener("pointerdown", this.#allowSound);
    addEventListener("keydown", this.#allowSound);
  }

  stop(): void {
    this.#release();
    removeEventListener("pointerdown", this.#allowSound);
    removeEventListener("keydown", this.#allowSound);
    void this.#audio?.close();
    this.#audio = null;
  }

  see(state: State): void {
    const news = newsOf(this.known, state);
    this.known = state;
    for (const each of news) this.#tell(each);
  }

  seeModel(model: ModelCompleted, now: number): void {
    const news = newsOfModel(model);
    if (now - news.time < OLD_S) this.#tell(news);
  }

  dismiss(key: string): void {
    this.toasts = this.toasts.filter((toast) => toast.key !== key);
    if (this.toasts.length === 0) this.more = 0;
    this.topics.changed("toasts");
  }

  /** Choose a way, or leave it; the browser may ask whether it is allowed. */
  async choose(way: keyof Ways, wanted: boolean): Promise<void> {
    this.complaint = "";
    if (way === "notify" && wanted) {
      this.complaint = await whyNotNotify();
      wanted = this.complaint === "";
    }
    this.ways = { ...this.ways, [way]: wanted };
    keep(this.ways);
    if (way === "sound" && wanted) this.#sound("good");
    this.topics.changed("ways");
  }

  #tell(news: News): void {
    this.toasts = [...this.toasts.filter(({ key }) => key !== news.key), news];
    if (this.toasts.length > MOST) {
      // What is grave stays longest.
      const gone = this.toasts.findIndex(({ grave }) => !grave);
      this.toasts.splice(Math.max(0, gone), 1);
      this.more++;
    }
    this.topics.changed("toasts");
    if (!news.grave || !this.#leads) return;
    if (this.ways.sound) this.#sound(news.mood);
    if (this.ways.notify && (document.hidden || !document.hasFocus())) notify(this.run, news);
  }

  // Browsers let a page sound once somebody has pressed something on it.
  #allowSound = (): void => {
    if (!this.ways.sound) return;
    this.#audio ??= new AudioContext();
    void this.#audio.resume();
  };

  #sound(mood: News["mood"]): void {
    try {
      this.#audio ??= new AudioContext();
    } catch {
      return;
    }
    const audio = this.#audio;
    TUNES[mood].forEach((pitch, at) => ring(audio, pitch, audio.currentTime + at * 0.16));
  }
}

/** Up for what is good, down for what is not, the same twice for what only asks to be looked at. */
const TUNES: Record<News["mood"], number[]> = { good: [523, 659, 784], bad: [392, 294], warn: [494, 494], calm: [440] };

function ring(audio: AudioContext, pitch: number, at: number): void {
  const tone = new OscillatorNode(audio, { type: "sine", frequency: pitch });
  const loud = new GainNode(audio, { gain: 0 });
  loud.gain.setValueAtTime(0, at);
  loud.gain.linearRampToValueAtTime(0.16, at + 0.02);
  loud.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
  tone.connect(loud).connect(audio.destination);
  tone.start(at);
  tone.stop(at + 0.42);
}

async function whyNotNotify(): Promise<string> {
  if (!("Notification" in window) || !isSecureContext) return "Browsers let a page notify only over HTTPS, or from this machine.";
  const answer = Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
  return answer === "granted" ? "" : "The browser does not let this page notify: allow it in the settings of the site, beside its address.";
}

function notify(run: string, { key, title, text }: News): void {
  try {
    const told = new Notification(title, { body: text, tag: `livecb ${run} ${key}` });
    told.onclick = () => {
      window.focus();
      told.close();
    };
  } catch {
    // Some phones let only a service worker notify: the page tells all the same.
  }
}

function kept(): Ways {
  try {
    const said = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Ways>;
    const allowed = "Notification" in window && Notification.permission === "granted";
    return { notify: said.notify === true && allowed, sound: said.sound === true };
  } catch {
    return { notify: false, sound: false };
  }
}

function keep(ways: Ways): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(ways));
  } catch {
    // No storage: the choice lasts for this visit.
  }
}
