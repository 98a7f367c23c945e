# ruff: noqa: E501 - vocabularies stay in one line
"""The same in other languages: fewer patterns, and vocabularies of their own. Late slots are not used here."""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """What a person writes and reads in one language."""

    share: float  # of people, English excluded
    joint: str  # between sentences
    vocabulary: dict[str, tuple[str, ...]]
    requests: tuple[str, ...]
    details: tuple[str, ...]
    statements: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


LANGUAGES: dict[str, Language] = {
    "de": Language(
        0.16,
        " ",
        {
            "d": _words("Mietvertrag, Fahrrad, Sauerteig, Garten, Bewerbung, Steuererklärung, Katze, Referat, Heizung, Urlaub, Umzug, Geburtstag, Rezept, Router, Chor, Balkon, Praktikum, Rede, Hausarbeit, Wanderung, Kaffeemaschine, Nebenkosten, Vereinssatzung, Zahnarzttermin"),
            "w": _words("schnell, günstig, verständlich, ohne Stress, im Winter, zu zweit, mit Kindern, nach Feierabend, auf dem Land, bis Freitag, mit wenig Geld, allein, am Wochenende, beim ersten Mal"),
            "v": _words("planen, erklären, verbessern, kündigen, reparieren, schreiben, kürzen, vergleichen, vorbereiten, prüfen, verschieben, bezahlen"),
            "e": _words("kompliziert, teuer, undicht, langweilig, zu lang, veraltet, spannend, kaputt, missverständlich, gelungen, ungewohnt, chaotisch"),
            "p": _words("Nachbarin, Chef, Vermieter, Schwester, Lehrer, Kollegin, Opa, Freundin, Trainer, Mitbewohner"),
        },
        ("[wie|womit|wann|warum] [kann|soll|muss] [ich|man|meine {p}] {d} {w} {v}?", "[schreib|entwirf|formuliere] [mir |]einen [kurzen|netten|förmlichen] Text [über|zu] {d} und {d}",
         "{d} ist {e}, [was nun|was tun|und jetzt|woran liegt das]?", "mein {p} [meint|sagt|findet], {d} sei {e} - [stimmt das|was denkst du|warum]?", "[Tipps|Ideen|Beispiele] für {d} {w}",
         "[vergleiche|erkläre] {d} und {d} für {p}"),
        ("es ist {e}.", "{w}, wenn es geht.", "{p} und {p} helfen mit.", "letztes Mal war {d} {e}.", "[danke|vielen Dank|merci] schon mal!", "bitte {e} vermeiden.", "[mein|das] Budget: [50|120|300|800] Euro."),
        ("[Zuerst|Danach|Außerdem|Schließlich] lohnt es sich, {d} {w} zu {v}.", "Wenn {d} {e} [ist|wirkt|bleibt], [hilft|fragt man] oft {p}.", "{d} und {d} [hängen zusammen|ergänzen sich|widersprechen sich], [vor allem|gerade|selbst] {w}.",
         "[Achten Sie|Achte] auf {d}: [sonst|schnell] wird es {e}.", "[Kurz gesagt|Insgesamt|Am Ende]: {d} {v}, {d} {v}, {w}."),
    ),
    "fr": Language(
        0.13,
        " ",
        {
            "d": _words("le bail, mon vélo, la pâte à pain, le potager, ma lettre de motivation, l'exposé, le chat, le chauffage, les vacances, le déménagement, la recette, le discours, la box internet, le stage, la dissertation, le train de nuit, la facture, le jardin partagé, la chorale, l'anniversaire"),
            "w": _words("rapidement, sans trop dépenser, en hiver, avec des enfants, le week-end, à la campagne, avant vendredi, à deux, simplement, pour la première fois, après le travail"),
            "v": _words("organiser, expliquer, réparer, rédiger, comparer, résilier, préparer, raccourcir, vérifier, améliorer, reporter, payer"),
            "e": _words("trop cher, compliqué, ennuyeux, en panne, trop long, flou, réussi, bancal, surprenant, démodé"),
            "p": _words("ma voisine, le propriétaire, mon chef, ma sœur, le prof, une collègue, mon grand-père, l'entraîneur, le coloc"),
        },
        ("[comment|quand|pourquoi] {v} {d} {w} ?", "[écris|propose|rédige] un texte [court|poli|drôle] sur {d} et {d}", "{d}, c'est {e}, [que faire|une idée|c'est normal] ?", "{p} dit que {d} est {e}, [vrai|d'accord|et toi] ?",
         "[des idées|des conseils|trois exemples] pour {v} {d}", "[compare|explique] {d} et {d} à {p}"),
        ("c'est {e}.", "si possible {w}.", "{p} et {p} participent.", "la dernière fois, {d} était {e}.", "[merci|merci d'avance|svp] !", "j'ai [50|90|200|600] euros."),
        ("[D'abord|Ensuite|Enfin|Par ailleurs], il vaut mieux {v} {d} {w}.", "Si {d} [reste|paraît|devient] {e}, [demandez|parlez-en] à {p}.", "{d} et {d} [vont ensemble|s'opposent|se complètent], [surtout|même] {w}.",
         "[En bref|Au fond|Finalement] : {v} {d}, puis {v} {d}."),
    ),
    "es": Language(
        0.2,
        " ",
        {
            "d": _words("el contrato, mi bicicleta, la masa madre, el huerto, la carta de presentación, la declaración, el gato, la calefacción, las vacaciones, la mudanza, la receta, el discurso, el router, las prácticas, el ensayo, la factura, el viaje en tren, la boda, el examen, la guitarra"),
            "w": _words("rápido, con poco dinero, en invierno, con niños, el fin de semana, en el campo, antes del viernes, entre dos, sin estrés, por primera vez, después del trabajo"),
            "v": _words("organizar, explicar, arreglar, escribir, comparar, cancelar, preparar, acortar, revisar, mejorar, aplazar, pagar"),
            "e": _words("muy caro, complicado, aburrido, roto, demasiado largo, confuso, logrado, raro, sorprendente, anticuado"),
            "p": _words("mi vecina, el casero, mi jefe, mi hermana, la profesora, un colega, mi abuelo, el entrenador, mi compañera de piso"),
        },
        ("[cómo|cuándo|por qué] [puedo|debo|conviene] {v} {d} {w}?", "[escribe|redacta|hazme] un texto [corto|formal|gracioso] sobre {d} y {d}", "{d} está {e}, [qué hago|alguna idea|es normal]?", "{p} dice que {d} es {e}, [verdad|de acuerdo|y tú]?",
         "[ideas|consejos|ejemplos] para {v} {d}", "[compara|explica] {d} y {d} a {p}"),
        ("es {e}.", "si se puede {w}.", "{p} y {p} ayudan.", "la última vez {d} salió {e}.", "[gracias|mil gracias|porfa]!", "tengo [50|90|200|600] euros."),
        ("[Primero|Luego|Además|Por último], conviene {v} {d} {w}.", "Si {d} [sigue|parece|queda] {e}, [pregunta|consulta] a {p}.", "{d} y {d} [se complementan|chocan|van juntos], [sobre todo|incluso] {w}.", "[En resumen|Al final]: {v} {d} y {v} {d}."),
    ),
    "zh": Language(
        0.2,
        "",
        {
            "d": _words("租房合同, 自行车, 面包, 阳台花园, 求职信, 论文, 小猫, 暖气, 旅行计划, 搬家, 菜谱, 演讲稿, 路由器, 实习, 电费, 火车票, 婚礼, 期末考试, 吉他, 体检报告, 読書笔记, 跑步训练, 咖啡机, 社区活动, 二手车".replace("読書", "读书")),
            "w": _words("省钱地, 在冬天, 带着孩子, 周末, 在乡下, 周五之前, 一个人, 第一次, 下班以后, 简单地, 快速"),
            "v": _words("安排, 解释, 修理, 写, 比较, 取消, 准备, 缩短, 检查, 改进, 推迟, 整理"),
            "e": _words("太贵, 很复杂, 无聊, 坏了, 太长, 不清楚, 很成功, 奇怪, 过时, 有点乱"),
            "p": _words("邻居, 房东, 老板, 姐姐, 老师, 同事, 爷爷, 教练, 室友"),
        },
        ("[怎么|什么时候|为什么要]{w}{v}{d}？", "帮我[写|改|想]一段关于{d}和{d}的[短文|说明|笑话]", "{d}{e}，[怎么办|正常吗|有什么建议]？", "{p}说{d}{e}，[对吗|你觉得呢|是真的吗]？", "给{p}[讲讲|介绍]{d}跟{d}的[区别|关系]", "[列出|推荐][三|五|十]个{v}{d}的[办法|例子]"),
        ("现在{e}。", "最好{w}。", "{p}也会帮忙。", "上次{d}{e}。", "[谢谢|麻烦了|多谢]！", "预算[五百|一千|三千]元。"),
        ("[首先|其次|另外|最后]，可以{w}{v}{d}。", "如果{d}{e}，[不妨|建议]问问{p}。", "{d}和{d}[互相影响|可以结合|各有优点]，[尤其|甚至]{w}的时候。", "[总之|简单说]，先{v}{d}，再{v}{d}。", "{p}[通常|有时]会{v}{d}，因为{d}{e}。"),
    ),
    "ja": Language(
        0.12,
        "",
        {
            "d": _words("賃貸契約, 自転車, パン作り, 家庭菜園, 履歴書, 卒業論文, 猫, 暖房, 旅行の計画, 引っ越し, レシピ, スピーチ, ルーター, インターン, 電気代, 夜行列車, 結婚式, 期末試験, ギター, 健康診断"),
            "w": _words("安く, 冬に, 子どもと一緒に, 週末に, 田舎で, 金曜までに, 一人で, 初めて, 仕事の後に, 簡単に"),
            "v": _words("準備する, 説明する, 直す, 書く, 比べる, やめる, 短くする, 確認する, 改善する, 延期する"),
            "e": _words("高すぎる, 複雑だ, 退屈だ, 壊れた, 長すぎる, 分かりにくい, うまくいった, 変だ, 古い"),
            "p": _words("隣の人, 大家さん, 上司, 姉, 先生, 同僚, 祖父, コーチ, 友達"),
        },
        ("{d}を{w}{v}[方法|コツ|には]？", "{d}と{d}について[短い|丁寧な|面白い]文章を書いて", "{d}が{e}。[どうすれば|普通ですか|なぜ]？", "{p}は{d}が{e}と言うけど、[本当|どう思う]？", "{p}に{d}の[違い|基本]を説明して"),
        ("今は{e}。", "できれば{w}。", "{p}も手伝う。", "前回は{d}が{e}。", "[ありがとう|よろしく|お願いします]。"),
        ("[まず|次に|さらに|最後に]、{d}を{w}{v}とよいでしょう。", "もし{d}が{e}なら、{p}に[相談|質問]してください。", "{d}と{d}は[関係がある|両立できる|別の話だ]。", "[要するに|結局]、{d}を{v}ことです。"),
    ),
    "hi": Language(
        0.11,
        " ",
        {
            "d": _words("किराये का अनुबंध, साइकिल, रोटी, बगीचा, नौकरी का आवेदन, निबंध, बिल्ली, यात्रा, घर बदलना, रेसिपी, भाषण, राउटर, बिजली का बिल, शादी, परीक्षा, गिटार, योग, दुकान"),
            "w": _words("जल्दी, कम पैसे में, सर्दी में, बच्चों के साथ, सप्ताहांत में, गाँव में, शुक्रवार तक, अकेले, पहली बार, आसानी से"),
            "v": _words("तैयार करना, समझाना, ठीक करना, लिखना, तुलना करना, बदलना, जाँचना, सुधारना"),
            "e": _words("बहुत महँगा, मुश्किल, उबाऊ, खराब, बहुत लंबा, अस्पष्ट, अजीब, पुराना"),
            "p": _words("पड़ोसी, मकान मालिक, बॉस, बहन, शिक्षक, दोस्त, दादाजी, कोच"),
        },
        ("{d} को {w} {v} [कैसे|कब|क्यों]?", "{d} और {d} पर [छोटा|मज़ेदार|औपचारिक] लेख लिखो", "{d} {e} है, [क्या करूँ|कोई सुझाव]?", "{p} कहते हैं {d} {e} है, [सच|सही है]?", "{p} को {d} समझाओ"),
        ("अभी {e} है।", "{w} हो तो अच्छा।", "{p} भी साथ है।", "पिछली बार {d} {e} था।", "[धन्यवाद|शुक्रिया]!"),
        ("[पहले|फिर|इसके अलावा|अंत में] {d} को {w} {v} ठीक रहेगा।", "अगर {d} {e} लगे, तो {p} से पूछें।", "{d} और {d} [जुड़े हैं|अलग हैं|साथ चलते हैं]।"),
    ),
    "ar": Language(
        0.08,
        " ",
        {
            "d": _words("عقد الإيجار, الدراجة, الخبز, الحديقة, السيرة الذاتية, البحث, القطة, التدفئة, الرحلة, الانتقال, الوصفة, الخطاب, الموجّه, التدريب, الفاتورة, العرس, الامتحان, العود"),
            "w": _words("بسرعة, بمال قليل, في الشتاء, مع الأطفال, في نهاية الأسبوع, في القرية, قبل الجمعة, وحدي, لأول مرة, بسهولة"),
            "v": _words("تنظيم, شرح, إصلاح, كتابة, مقارنة, إلغاء, تحضير, اختصار, مراجعة, تحسين"),
            "e": _words("غالٍ جدا, معقّد, ممل, معطّل, طويل, غامض, ناجح, غريب, قديم"),
            "p": _words("جارتي, صاحب البيت, مديري, أختي, المعلّم, زميلي, جدّي, المدرّب"),
        },
        ("[كيف|متى|لماذا] يمكن {v} {d} {w}؟", "اكتب نصا [قصيرا|رسميا|مضحكا] عن {d} و{d}", "{d} {e}، [ما الحل|هل هذا طبيعي]؟", "يقول {p} إن {d} {e}، [صحيح|ما رأيك]؟", "اشرح {d} لـ{p}"),
        ("الآن {e}.", "إن أمكن {w}.", "{p} يساعد أيضا.", "في المرة الماضية كان {d} {e}.", "[شكرا|مع الشكر]!"),
        ("[أولا|ثم|كذلك|أخيرا] يفضّل {v} {d} {w}.", "إذا كان {d} {e} فاسأل {p}.", "{d} و{d} [مرتبطان|مختلفان|يتكاملان]."),
    ),
}  # fmt: skip
