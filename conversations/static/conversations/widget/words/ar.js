// @ts-check
/** The widget in Arabic. */
export const words = {
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
  attach: "إرفاق ملف", uploading: "جارٍ إرسال {name}", fileFailed: "تعذر إرسال {name}. أعد المحاولة.",
  fileTooLarge: "حجم {name} هو {size}. الحد الأقصى {limit}.", fileType: "نوع الملف {name} غير مقبول.",
};
