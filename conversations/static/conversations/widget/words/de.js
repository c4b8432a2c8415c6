// @ts-check
/** The widget in German. */
export const words = {
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
  attach: "Datei anhängen", uploading: "{name} wird gesendet", fileFailed: "{name} konnte nicht gesendet werden. Versuchen Sie es erneut.",
  fileTooLarge: "{name} hat {size}. Erlaubt sind {limit}.", fileType: "Dateien wie {name} werden nicht angenommen.",
};
