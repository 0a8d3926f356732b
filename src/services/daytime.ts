import { defineService } from "./service.ts";

/** Says date and time in one line and closes (RFC 867). */
export const daytime = defineService({
  endpoints: ["tcp://127.0.0.1:9013"],
  framing: "raw",
  takesFraming: false,
  flags: {},
  create: () => ({
    serve(session) {
      session.send(`${formatDaytime(new Date())}\r\n`, true);
      return Promise.resolve();
    },
  }),
});

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/** In the first form that RFC 867 shows: `Tuesday, February 22, 1982 17:37:43-UTC`. */
export function formatDaytime(date: Date): string {
  const weekday = WEEKDAYS[date.getUTCDay()];
  const month = MONTHS[date.getUTCMonth()];
  const time = date.toISOString().slice(11, 19);
  return `${weekday}, ${month} ${date.getUTCDate()}, ${date.getUTCFullYear()} ${time}-UTC`;
}
