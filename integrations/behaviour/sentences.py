"""Every text that Baton itself may say to an end user, in the languages of the widget."""

from __future__ import annotations

from integrations.behaviour.sentence import Sentence, Tongue, filled


def sentence(key: str, locale: str, **values: object) -> str:
    """Return a text in the language of a conversation's locale."""
    return filled(worded(key, locale), values)


def worded(key: str, locale: str) -> str:
    """Return a text with its places empty, in the project's own words where it has some."""
    own = locale.own.get(key) if isinstance(locale, Tongue) else ""
    return own or SENTENCES[key].in_language_of(locale)


def own_or(own: str, key: str, locale: str) -> str:
    """Return a project's own text; where it is still the one every project begins with, ours.

    What it words anew in the locale's language comes before either.
    """
    said = locale.own.get(key) if isinstance(locale, Tongue) else ""
    return said or (sentence(key, locale) if own == SENTENCES[key].en else own)


# ---- standard responses: while waiting, and when nobody is there ----

_STANDARD_RESPONSES = (
    Sentence(
        key="wait_update",
        label="While waiting",
        en="Thank you for waiting. Somebody will be with you as soon as possible.",
        de="Danke, dass Sie warten. Es ist so bald wie möglich jemand für Sie da.",
        ar="شكرًا لانتظارك. سيكون أحدنا معك في أقرب وقت ممكن.",
    ),
    Sentence(
        key="wait_position",
        label="While waiting, with the place in the queue",
        en="You are number {{queue_position}} in the queue.",
        de="Sie sind Nummer {{queue_position}} in der Reihe.",
        ar="رقمك في قائمة الانتظار {{queue_position}}.",
        variables=("queue_position",),
    ),
    Sentence(
        key="wait_time",
        label="While waiting, with the expected time",
        en="The expected wait is {{wait_minutes}} min.",
        de="Die Wartezeit beträgt etwa {{wait_minutes}} Min.",
        ar="مدة الانتظار المتوقعة {{wait_minutes}} دقيقة.",
        variables=("wait_minutes",),
    ),
    Sentence(
        key="looking_for_agent",
        label="Before the fallback is tried",
        en="It takes a little longer: we are looking for somebody else who can help you.",
        de="Es dauert etwas länger: Wir suchen jemand anderen, der Ihnen helfen kann.",
        ar="يستغرق الأمر وقتًا أطول قليلًا: نبحث عن شخص آخر يمكنه مساعدتك.",
    ),
    Sentence(
        key="no_agents",
        label="Nobody is available",
        en="Nobody is available to take over right now.",
        de="Im Moment kann niemand übernehmen.",
        ar="لا يوجد أحد متاح لمتابعة المحادثة الآن.",
    ),
    Sentence(
        key="out_of_hours",
        label="Out of hours",
        en="Our team is not there at this hour.",
        de="Unser Team ist um diese Zeit nicht da.",
        ar="فريقنا غير متواجد في هذا الوقت.",
    ),
    Sentence(
        key="ticket_opened",
        label="A ticket was opened",
        en="Nobody could take over right now. Your request is noted as ticket "
        "{{ticket_number}}, and somebody will look at it.",
        de="Im Moment konnte niemand übernehmen. Ihr Anliegen ist als Ticket "
        "{{ticket_number}} notiert, und jemand kümmert sich darum.",
        ar="لم يتمكن أحد من متابعة المحادثة الآن. سُجّل طلبك في التذكرة "
        "{{ticket_number}} وسينظر فيه أحدنا.",
        variables=("ticket_number",),
    ),
    Sentence(
        key="inactivity_warning",
        label="Before closing for silence",
        en="Are you still there? This conversation closes soon if you do not write.",
        de="Sind Sie noch da? Diese Unterhaltung endet bald, wenn Sie nichts schreiben.",
        ar="هل ما زلت هنا؟ ستُغلق هذه المحادثة قريبًا إذا لم تكتب.",
        variables=("agent_name",),
    ),
    Sentence(
        key="conversation_closed",
        label="Closed for silence",
        en="This conversation was closed because nothing was written for a while.",
        de="Diese Unterhaltung wurde beendet, weil eine Weile nichts geschrieben wurde.",
        ar="أُغلقت هذه المحادثة لأنه لم يُكتب شيء منذ فترة.",
        variables=("agent_name",),
    ),
)

# ---- what happens in a handoff ----

_HANDOFF = (
    Sentence(
        key="handoff_failed",
        en="You could not be connected with a person right now.",
        de="Sie konnten im Moment nicht mit einem Menschen verbunden werden.",
        ar="تعذر توصيلك بأحد الموظفين الآن.",
    ),
    Sentence(
        key="transfer_failed",
        en="Nobody is available to take over right now.",
        de="Im Moment kann niemand übernehmen.",
        ar="لا يوجد أحد متاح لمتابعة المحادثة الآن.",
    ),
    Sentence(
        key="transfer",
        en="You are being transferred. Stay in this chat.",
        de="Sie werden weiterverbunden. Bleiben Sie in diesem Chat.",
        ar="يجري تحويلك. ابقَ في هذه المحادثة.",
    ),
    Sentence(
        key="live_agent_name",
        en="Live agent",
        de="Mitarbeiter",
        ar="موظف الدعم",
    ),
    Sentence(
        key="another_joined",
        en="{{name}} joined the conversation.",
        de="{{name}} ist dabei.",
        ar="انضم {{name}} إلى المحادثة.",
        variables=("name",),
    ),
    Sentence(
        key="another_joined_unnamed",
        en="A live agent joined the conversation.",
        de="Ein Mitarbeiter ist dabei.",
        ar="انضم موظف إلى المحادثة.",
    ),
    Sentence(
        key="one_left",
        en="{{name}} left the conversation.",
        de="{{name}} hat die Unterhaltung verlassen.",
        ar="غادر {{name}} المحادثة.",
        variables=("name",),
    ),
    Sentence(
        key="one_left_unnamed",
        en="A live agent left the conversation.",
        de="Ein Mitarbeiter hat die Unterhaltung verlassen.",
        ar="غادر موظف المحادثة.",
    ),
    Sentence(
        key="not_delivered",
        en="This message was not delivered.",
        de="Diese Nachricht wurde nicht zugestellt.",
        ar="لم تُسلَّم هذه الرسالة.",
    ),
    Sentence(
        key="vendor_idle",
        en="This conversation was closed because nothing was written for a while.",
        de="Diese Unterhaltung wurde beendet, weil eine Weile nichts geschrieben wurde.",
        ar="أُغلقت هذه المحادثة لأنه لم يُكتب شيء منذ فترة.",
    ),
    Sentence(
        key="vendor_time_limit",
        en="This conversation was closed because it had lasted as long as one may last.",
        de="Diese Unterhaltung wurde beendet, weil die längste erlaubte Dauer erreicht war.",
        ar="أُغلقت هذه المحادثة لأنها بلغت أقصى مدة مسموح بها.",
    ),
    Sentence(
        key="message_edited",
        en="A message was changed. It now reads: {{text}}",
        de="Eine Nachricht wurde geändert. Sie lautet nun: {{text}}",
        ar="تم تعديل رسالة. نصها الآن: {{text}}",
        variables=("text",),
    ),
    Sentence(
        key="conversation_over",
        en="This conversation has ended. Write again to begin a new one.",
        de="Diese Unterhaltung ist beendet. Schreiben Sie wieder, um eine neue zu beginnen.",
        ar="انتهت هذه المحادثة. اكتب مرة أخرى لبدء محادثة جديدة.",
    ),
    Sentence(
        key="text_file_not_fetched",
        en="Your file could not be received. Send it again, or in another way.",
        de="Ihre Datei kam nicht an. Senden Sie sie noch einmal oder auf anderem Weg.",
        ar="تعذر استلام ملفك. أرسله مرة أخرى أو بطريقة أخرى.",
    ),
    Sentence(
        key="message_deleted",
        en="A message was taken back.",
        de="Eine Nachricht wurde zurückgenommen.",
        ar="تم سحب رسالة.",
    ),
    Sentence(
        key="content_not_drawn",
        en="This message has a content that cannot be shown here.",
        de="Diese Nachricht hat einen Inhalt, der hier nicht gezeigt werden kann.",
        ar="تحتوي هذه الرسالة على محتوى لا يمكن عرضه هنا.",
    ),
    Sentence(
        key="open_file",
        en="Open the file",
        de="Datei öffnen",
        ar="فتح الملف",
    ),
    Sentence(
        key="file_not_fetched",
        en="The live agent sent the file {{file_name}}. It could not be fetched; ask for it in "
        "another way.",
        de="Der Mitarbeiter hat die Datei {{file_name}} gesendet. Sie konnte nicht geladen "
        "werden; bitten Sie auf anderem Weg darum.",
        ar="أرسل الموظف الملف {{file_name}} ولم يتسنَّ تحميله؛ اطلبه بطريقة أخرى.",
        variables=("file_name",),
    ),
)

# ---- the AI agent, where its project has no words of its own ----

_AI_AGENT = (
    Sentence(
        key="ai_agent_name",
        en="AI agent",
        de="KI-Agent",
        ar="وكيل ذكاء اصطناعي",
    ),
    Sentence(
        key="greeting",
        en="Hello. How can I help you today?",
        de="Guten Tag. Wie kann ich Ihnen helfen?",
        ar="مرحبًا. كيف يمكنني مساعدتك اليوم؟",
    ),
    Sentence(
        key="no_match",
        en="I don't have an answer to that. You can ask me to connect you with a person.",
        de="Darauf habe ich keine Antwort. Sie können mich bitten, Sie mit einem Menschen zu "
        "verbinden.",
        ar="ليس لدي جواب عن ذلك. يمكنك أن تطلب مني توصيلك بأحد الموظفين.",
    ),
    Sentence(
        key="handing_over",
        en="One moment, I am connecting you with a person.",
        de="Einen Moment, ich verbinde Sie mit einem Menschen.",
        ar="لحظة من فضلك، سأوصلك بأحد الموظفين.",
    ),
    Sentence(
        key="human_declined",
        en="I cannot connect you with a person here. Tell me what it is about, and I will try.",
        de="Ich kann Sie hier nicht mit einem Menschen verbinden. Sagen Sie mir, worum es geht.",
        ar="لا يمكنني توصيلك بموظف هنا. أخبرني بموضوعك وسأحاول مساعدتك.",
    ),
    Sentence(
        key="human_offered",
        en="Shall I connect you with a person?",
        de="Soll ich Sie mit einem Menschen verbinden?",
        ar="هل تريد أن أوصلك بأحد الموظفين؟",
    ),
    Sentence(
        key="human_later",
        en="Tell me first what it is about. If I cannot help, ask again for a person.",
        de="Worum geht es? Wenn ich nicht helfen kann, fragen Sie noch einmal nach einem Menschen.",
        ar="أخبرني أولًا بموضوعك. إذا لم أتمكن من المساعدة فاطلب موظفًا مرة أخرى.",
    ),
    Sentence(
        key="offer_declined",
        en="All right. What else can I do for you?",
        de="In Ordnung. Was kann ich sonst für Sie tun?",
        ar="حسنًا. كيف يمكنني مساعدتك أيضًا؟",
    ),
    Sentence(
        key="ask_value",
        en="Please tell me: {{what}}",
        de="Bitte nennen Sie mir: {{what}}",
        ar="من فضلك أخبرني: {{what}}",
        variables=("what",),
    ),
    Sentence(
        key="ask_value_again",
        en="Sorry, I could not make sense of that. {{question}}",
        de="Das habe ich leider nicht verstanden. {{question}}",
        ar="عذرًا، لم أفهم ذلك. {{question}}",
        variables=("question",),
    ),
    Sentence(
        key="tool_failed",
        en="I could not do that just now. Try again, or ask me something else.",
        de="Das ist mir gerade nicht gelungen. Versuchen Sie es noch einmal, oder fragen Sie "
        "mich etwas anderes.",
        ar="لم أتمكن من ذلك الآن. حاول مرة أخرى أو اسألني عن شيء آخر.",
    ),
)

# ---- why a message or a wish is not taken ----

_REFUSALS = (
    Sentence(
        key="conversation_ended",
        en="This conversation has ended. Start a new one.",
        de="Diese Unterhaltung ist beendet. Beginnen Sie eine neue.",
        ar="انتهت هذه المحادثة. ابدأ محادثة جديدة.",
    ),
    Sentence(
        key="only_live_agent_ends",
        en="Only the live agent can end this conversation.",
        de="Nur der Mitarbeiter kann diese Unterhaltung beenden.",
        ar="لا يمكن إنهاء هذه المحادثة إلا من الموظف.",
    ),
    Sentence(
        key="choice_closed",
        en="This choice cannot be taken any more.",
        de="Diese Auswahl ist nicht mehr möglich.",
        ar="لم يعد هذا الاختيار متاحًا.",
    ),
    Sentence(
        key="nothing_to_cancel",
        en="There is no waiting handoff to cancel.",
        de="Es gibt keine wartende Übergabe, die abgebrochen werden könnte.",
        ar="لا يوجد طلب تحويل قيد الانتظار لإلغائه.",
    ),
    Sentence(
        key="retry_too_late",
        en="The live agent it was for has gone. Write the message anew.",
        de="Der Mitarbeiter, für den sie war, ist nicht mehr da. Schreiben Sie die Nachricht neu.",
        ar="غادر الموظف الذي كانت الرسالة موجهة إليه. اكتب الرسالة من جديد.",
    ),
    Sentence(
        key="retry_on_its_way",
        en="This message is on its way or has arrived already.",
        de="Diese Nachricht ist unterwegs oder schon angekommen.",
        ar="هذه الرسالة في الطريق أو وصلت بالفعل.",
    ),
    Sentence(
        key="files_need_live_agent",
        en="Files can only be sent while a live agent is asked for.",
        de="Dateien können nur gesendet werden, während ein Mitarbeiter gefragt ist.",
        ar="لا يمكن إرسال الملفات إلا عند طلب موظف.",
    ),
    Sentence(
        key="files_not_taken",
        en="Files can only be sent to a live agent who takes them.",
        de="Dateien können nur einem Mitarbeiter gesendet werden, der sie annimmt.",
        ar="لا يمكن إرسال الملفات إلا إلى موظف يقبلها.",
    ),
    Sentence(
        key="ai_agent_is_behind",
        en="{{number}} messages wait for the AI agent already. Send it again later.",
        de="Es warten schon {{number}} Nachrichten auf den KI-Agenten. Senden Sie sie später "
        "noch einmal.",
        ar="هناك بالفعل {{number}} رسالة في انتظار وكيل الذكاء الاصطناعي. أعد الإرسال لاحقًا.",
        variables=("number",),
    ),
    Sentence(
        key="live_agent_is_behind",
        en="{{number}} messages wait for the live agent already. Send it again later.",
        de="Es warten schon {{number}} Nachrichten auf den Mitarbeiter. Senden Sie sie später "
        "noch einmal.",
        ar="هناك بالفعل {{number}} رسالة في انتظار الموظف. أعد الإرسال لاحقًا.",
        variables=("number",),
    ),
    Sentence(
        key="messages_a_minute",
        en="At most {{number}} messages a minute. Send it again later.",
        de="Höchstens {{number}} Nachrichten in der Minute. Senden Sie sie später noch einmal.",
        ar="الحد الأقصى {{number}} رسالة في الدقيقة. أعد الإرسال لاحقًا.",
        variables=("number",),
    ),
    Sentence(
        key="frames_a_second",
        en="At most {{number}} frames a second. Send it again later.",
        de="Höchstens {{number}} Eingaben in der Sekunde. Senden Sie sie später noch einmal.",
        ar="الحد الأقصى {{number}} إرسالًا في الثانية. أعد الإرسال لاحقًا.",
        variables=("number",),
    ),
    Sentence(
        key="frame_too_large",
        en="The frame has {{number}} bytes; {{limit}} are allowed.",
        de="Die Eingabe hat {{number}} Bytes; erlaubt sind {{limit}}.",
        ar="حجم الإرسال {{number}} بايت؛ الحد الأقصى {{limit}}.",
        variables=("number", "limit"),
    ),
    Sentence(
        key="message_too_long",
        en="payload.text has {{number}} characters; {{limit}} are allowed.",
        de="Die Nachricht hat {{number}} Zeichen; erlaubt sind {{limit}}.",
        ar="تحتوي الرسالة على {{number}} حرفًا؛ الحد الأقصى {{limit}}.",
        variables=("number", "limit"),
    ),
)

# ---- the safety filter before the AI agent ----

_SAFETY = (
    Sentence(
        key="safety_blocked",
        en="I cannot help with that here. Ask me something else, or ask for a person.",
        de="Dabei kann ich hier nicht helfen. Fragen Sie etwas anderes, oder nach einem Menschen.",
        ar="لا يمكنني المساعدة في ذلك هنا. اسألني عن شيء آخر أو اطلب موظفًا.",
    ),
)

# ---- the survey after a conversation ----

_SURVEY = (
    Sentence(
        key="survey_title",
        en="How did it go?",
        de="Wie war es?",
        ar="كيف كانت تجربتك؟",
    ),
    Sentence(
        key="survey_question_bot",
        en="How do you rate the AI agent?",
        de="Wie bewerten Sie den KI-Agenten?",
        ar="ما تقييمك لوكيل الذكاء الاصطناعي؟",
    ),
    Sentence(
        key="survey_question_live_agent",
        en="How do you rate the live agent?",
        de="Wie bewerten Sie den Mitarbeiter?",
        ar="ما تقييمك للموظف؟",
    ),
    Sentence(
        key="survey_by_text",
        en="Answer with a number from 1 (bad) to 5 (good). 0 skips it.",
        de="Antworten Sie mit einer Zahl von 1 (schlecht) bis 5 (gut). 0 überspringt.",
        ar="أجب برقم من 1 (سيئ) إلى 5 (جيد). الرقم 0 للتخطي.",
    ),
    Sentence(
        key="survey_by_text_two",
        en="Answer with two numbers from 1 (bad) to 5 (good), such as 4 5. 0 skips it.",
        de="Antworten Sie mit zwei Zahlen von 1 (schlecht) bis 5 (gut), etwa 4 5. 0 überspringt.",
        ar="أجب برقمين من 1 (سيئ) إلى 5 (جيد)، مثل 4 5. الرقم 0 للتخطي.",
    ),
    Sentence(
        key="survey_by_text_comment",
        en="You may add a few words.",
        de="Sie können ein paar Worte anfügen.",
        ar="يمكنك إضافة بضع كلمات.",
    ),
    # What is typed to skip, where there is no button for it.
    Sentence(key="survey_skip_word", en="skip", de="überspringen", ar="تخطي"),
    Sentence(
        key="survey_thanks",
        en="Thank you. Your rating is noted.",
        de="Danke. Ihre Bewertung ist notiert.",
        ar="شكرًا. سُجّل تقييمك.",
    ),
    Sentence(
        key="survey_skipped",
        en="All right, no rating.",
        de="In Ordnung, keine Bewertung.",
        ar="حسنًا، بدون تقييم.",
    ),
    Sentence(
        key="survey_none",
        en="There is nothing to rate in this conversation.",
        de="In dieser Unterhaltung gibt es nichts zu bewerten.",
        ar="لا يوجد ما يمكن تقييمه في هذه المحادثة.",
    ),
    Sentence(
        key="survey_over",
        en="The time to rate this conversation is over.",
        de="Die Zeit, diese Unterhaltung zu bewerten, ist vorbei.",
        ar="انتهى وقت تقييم هذه المحادثة.",
    ),
    Sentence(
        key="survey_answered",
        en="This conversation is rated already.",
        de="Diese Unterhaltung ist schon bewertet.",
        ar="قُيّمت هذه المحادثة بالفعل.",
    ),
)

SENTENCES = {
    one.key: one
    for one in (*_STANDARD_RESPONSES, *_HANDOFF, *_AI_AGENT, *_REFUSALS, *_SURVEY, *_SAFETY)
}
