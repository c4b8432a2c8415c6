// @ts-check
/** @import {Words} from "./types" */
/** Every word the widget says by itself. English is complete; other languages mirror its keys. */

/** @type {Record<string, Record<string, string>>} */
const LANGUAGES = {
  en: {
    title: "Chat with us", open: "Open chat", openUnread: "Open chat, unread messages: {n}",
    close: "Close chat", log: "Messages", you: "You", ai: "AI agent", live: "Live agent",
    connecting: "Finding someone for you…", queued: "Waiting for a live agent",
    position: "You are number {n} in line.", wait: "About {n} min to wait.", waitShort: "Less than a minute to wait.",
    cancel: "Cancel", cancelling: "Cancelling…", offline: "Reconnecting…",
    offlineHint: "Reconnecting… What you write is sent as soon as you are back.",
    closed: "This conversation has ended.", closedShort: "Conversation ended", again: "New chat",
    end: "End conversation", endAsk: "End this conversation?", endYes: "End it", endNo: "Keep chatting",
    joined: "{name} joined the conversation", left: "{name} left the conversation", someone: "The live agent",
    failed: "No one could be reached.", timeout: "No one was free in time.",
    write: "Write a message…", send: "Send message", typing: "{name} is typing",
    tooLong: "The message has {n} characters. The limit is 20,000. Shorten it or send it in parts.",
    retry: "Try again", notDelivered: "Not delivered", replies: "Suggested replies", jump: "Newest messages",
    sending: "Sending", sent: "Sent", delivered: "Delivered", read: "Read", attachment: "Attachment",
  },
  de: {
    title: "Chat", open: "Chat öffnen", openUnread: "Chat öffnen, ungelesene Nachrichten: {n}",
    close: "Chat schließen", log: "Nachrichten", you: "Sie", ai: "KI-Agent", live: "Mitarbeiter",
    connecting: "Wir suchen jemanden für Sie…", queued: "Warten auf einen Mitarbeiter",
    position: "Sie sind Nummer {n} in der Reihe.", wait: "Etwa {n} Min. Wartezeit.", waitShort: "Weniger als eine Minute Wartezeit.",
    cancel: "Abbrechen", cancelling: "Wird abgebrochen…", offline: "Verbindung wird hergestellt…",
    offlineHint: "Keine Verbindung. Was Sie schreiben, wird gesendet, sobald sie wieder da ist.",
    closed: "Diese Unterhaltung ist beendet.", closedShort: "Unterhaltung beendet", again: "Neuer Chat",
    end: "Unterhaltung beenden", endAsk: "Diese Unterhaltung beenden?", endYes: "Beenden", endNo: "Weiter chatten",
    joined: "{name} ist dabei", left: "{name} hat die Unterhaltung verlassen", someone: "Der Mitarbeiter",
    failed: "Es war niemand zu erreichen.", timeout: "Es war nicht rechtzeitig jemand frei.",
    write: "Nachricht schreiben…", send: "Nachricht senden", typing: "{name} schreibt",
    tooLong: "Die Nachricht hat {n} Zeichen. Erlaubt sind 20.000. Kürzen Sie sie oder senden Sie sie in Teilen.",
    retry: "Erneut versuchen", notDelivered: "Nicht zugestellt", replies: "Vorgeschlagene Antworten", jump: "Neueste Nachrichten",
    sending: "Wird gesendet", sent: "Gesendet", delivered: "Zugestellt", read: "Gelesen", attachment: "Anhang",
  },
  ar: {
    title: "تحدث معنا", open: "فتح المحادثة", openUnread: "فتح المحادثة، رسائل غير مقروءة: {n}",
    close: "إغلاق المحادثة", log: "الرسائل", you: "أنت", ai: "وكيل ذكاء اصطناعي", live: "موظف الدعم",
    connecting: "نبحث عن شخص لمساعدتك…", queued: "في انتظار موظف",
    position: "رقمك في قائمة الانتظار {n}.", wait: "الانتظار نحو {n} دقيقة.", waitShort: "الانتظار أقل من دقيقة.",
    cancel: "إلغاء", cancelling: "جارٍ الإلغاء…", offline: "جارٍ إعادة الاتصال…",
    offlineHint: "جارٍ إعادة الاتصال… سيُرسل ما تكتبه فور عودة الاتصال.",
    closed: "انتهت هذه المحادثة.", closedShort: "انتهت المحادثة", again: "محادثة جديدة",
    end: "إنهاء المحادثة", endAsk: "هل تريد إنهاء هذه المحادثة؟", endYes: "إنهاء", endNo: "متابعة المحادثة",
    joined: "انضم {name} إلى المحادثة", left: "غادر {name} المحادثة", someone: "الموظف",
    failed: "تعذر الوصول إلى أي موظف.", timeout: "لم يتوفر أي موظف في الوقت المناسب.",
    write: "اكتب رسالة…", send: "إرسال الرسالة", typing: "{name} يكتب الآن",
    tooLong: "تحتوي الرسالة على {n} حرفًا. الحد الأقصى 20000. اختصرها أو أرسلها على أجزاء.",
    retry: "إعادة المحاولة", notDelivered: "لم تُسلَّم", replies: "ردود مقترحة", jump: "أحدث الرسائل",
    sending: "جارٍ الإرسال", sent: "أُرسلت", delivered: "سُلِّمت", read: "قُرئت", attachment: "مرفق",
  },
};

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

/**
 * Choose the words for the first locale named; a language without words here speaks English.
 * @param {...(string | undefined)} locales most wanted first
 * @returns {Words}
 */
export function wordsFor(...locales) {
  const wanted = locales.find(Boolean) ?? "en";
  const language = wanted.toLowerCase().split(/[-_]/)[0];
  const words = LANGUAGES[language] ?? LANGUAGES.en;
  const isRightToLeft = words !== LANGUAGES.en && RIGHT_TO_LEFT.has(language);
  return {
    locale: words === LANGUAGES.en && language !== "en" ? "en" : wanted.replace("_", "-"),
    dir: isRightToLeft ? "rtl" : "ltr",
    say: (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name])),
  };
}
