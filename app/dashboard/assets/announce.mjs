/* Tells of an alert that fired, by notification and sound, when the user asked for it. */

const TONES_HZ = [660, 880];
const TONE_S = 0.16;

export class Announcer {
  #preferences;
  #heard = null; // ids of the events known so far; null before the first look

  constructor(preferences) {
    this.#preferences = preferences;
  }

  get isOn() {
    return this.#preferences.get("notify") === "on" || this.#preferences.get("sound") === "on";
  }

  /* `events`: pairs of a rule's last event or null, and its sentence. The first look is silent. */
  hear(events) {
    const fired = events.filter(([event]) => event && this.#heard && !this.#heard.has(event.id));
    this.#heard = new Set(events.map(([event]) => event?.id).filter(Boolean));
    if (!fired.length) return;
    if (this.#preferences.get("sound") === "on") beep();
    if (this.#preferences.get("notify") !== "on" || Notification.permission !== "granted") return;
    for (const [event, sentence] of fired) {
      new Notification(sentence, { body: `gammaflip \u00B7 ${event.direction ?? ""}`, tag: event.id });
    }
  }
}

function beep() {
  const audio = new AudioContext();
  TONES_HZ.forEach((hertz, i) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = hertz;
    volume.gain.value = 0.08;
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + i * TONE_S);
    tone.stop(audio.currentTime + (i + 1) * TONE_S);
  });
  setTimeout(() => audio.close(), 1_000);
}

/* Ask the browser; false when the user or the browser says no. */
export async function mayNotify() {
  if (!("Notification" in window)) return false;
  return (await Notification.requestPermission()) === "granted";
}
