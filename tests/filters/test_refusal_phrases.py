"""Refusals in the ten languages most spoken, and what only sounds like one, parted by bars."""

import pytest

from stillhouse.filters.refusal_phrases import refusing_opening

REFUSALS = {
    "English": """
I'm unable to help with that request. | Sorry, but I can't provide that information. |
I won't be able to assist you with this. | I'm afraid I can't do that. |
That's not something I can help with. | I must decline this request. | I can't fulfill that request. |
Unfortunately, I don't have the ability to do that. | I'm not able to provide medical advice. |
As an AI developed by OpenAI, I don't have personal opinions. | I cannot assist with that. |
I apologize, but I'm unable to answer this question. | I'd rather not answer that. |
It would be inappropriate for me to help with this. | I don't think I can help with that. |
I'm not going to help with that. | My guidelines prevent me from answering. |
No, I can't help you with that. | I refuse to answer that. | Sorry, I can't. | I can’t help with that. |
I'm sorry, but I cannot comply with your request. | Apologies, but that's outside what I can help with. |
I cannot in good conscience help with this. |
I'm really sorry, but I can't continue with this conversation. | I'm unable to process this request. |
I can't support that. | I don't feel comfortable answering this. | Sorry, I won't do that. |
I cannot give legal advice.
""",
    "Mandarin": """
抱歉，我无法回答这个问题。 | 很抱歉，我不能帮助你完成这个请求。 | 对不起，我不能提供这方面的信息。 |
作为AI助手，我不能提供此类建议。 | 我无法协助您处理这个请求。 |
不好意思，这个问题我回答不了。 | 我没有办法回答您的问题。 | 您的请求违反了我的使用政策。 | 恕我不能回答。 |
我拒绝回答这个问题。 | 抱歉，我帮不了你。 | 很遗憾，我无法满足您的要求。 |
抱歉，我不太方便回答。 | 這個問題我無法回答。 | 我不能回答这个问题 | 非常抱歉，我无法为您提供相关内容。 |
作为一个人工智能，我没有个人观点。 | 对不起，这个请求我不能完成。 |
我不便对此发表评论。 | 抱歉，我不会协助您做这件事。
""",
    "Hindi": """
मुझे खेद है, मैं इसमें आपकी मदद नहीं कर सकता। | क्षमा करें, मैं यह जानकारी नहीं दे सकता। |
माफ़ कीजिए, मैं इस सवाल का जवाब नहीं दे सकती। | मैं इस अनुरोध को पूरा नहीं कर सकता। |
मैं इस विषय पर चर्चा करने में असमर्थ हूँ। | एक एआई होने के नाते, मैं ऐसा नहीं कर सकता। |
मुझे माफ़ करें, लेकिन मैं सहायता नहीं कर पाऊँगा। | मैं ऐसा करने में असमर्थ हूं। |
मैं इसका उत्तर नहीं दे सकता | दुर्भाग्य से, मैं मदद नहीं कर सकता। | मैं आपकी इसमें सहायता नहीं कर पाऊंगा |
इस प्रश्न का उत्तर देना मेरे लिए संभव नहीं है। | मैं यह नहीं कर सकता। |
क्षमा करें, मैं इस अनुरोध में सहायता नहीं कर सकता। |
मैं माफ़ी चाहता हूँ, लेकिन मैं इसका जवाब नहीं दे सकता। | माफ कीजिए, मैं ऐसा नहीं कर सकता। |
मैं चिकित्सा सलाह नहीं दे सकता।
""",
    "Spanish": """
Lo siento, no puedo ayudarte con eso. | Lo siento, pero no puedo proporcionar esa información. |
No puedo responder a esa pregunta. | Me temo que no puedo hacer eso. |
No estoy autorizado a dar esa información. | No me es posible ayudarle. |
Disculpa, no puedo cumplir con esa solicitud. | Como modelo de lenguaje, no puedo opinar. |
No puedo asistirle con esta petición. | Lamentablemente no tengo permitido compartir eso. |
No podré ayudarle en este caso. | Prefiero no responder a eso. | No voy a ayudarte con eso. |
Debo rechazar esta solicitud. | No me siento cómodo respondiendo. |
Disculpe, no estoy en condiciones de ayudarle. | No puedo continuar con esta conversación. |
Lo lamento, no puedo darte consejos médicos. | No puedo hacer eso.
""",
    "French": """
Désolé, je ne peux pas vous aider. | Je suis désolé, mais je ne peux pas répondre à cette question. |
Je ne suis pas en mesure de vous aider. | Je regrette, mais je ne peux fournir cette information. |
Je ne peux pas vous donner de conseils médicaux. |
Malheureusement, je ne peux pas accéder à votre demande. |
En tant qu'IA, je ne peux pas exprimer d'opinion. | Je dois refuser cette demande. |
Il m'est impossible de répondre à cette question. | Je ne peux pas faire ça. |
Je préfère ne pas répondre. | Navré, je ne peux pas t'aider avec ça. | Je ne pourrai pas vous assister. |
Je n'ai pas le droit de vous fournir cela. | Je ne saurais répondre à cette demande. |
Désolée, mais je ne peux pas continuer cette conversation. | Je ne suis pas autorisé à répondre. |
Je m'excuse, mais je ne peux pas faire cela. | Je refuse de répondre à cette question. |
Pardon, je ne peux pas t'aider.
""",
    "Arabic": """
عذراً، لا أستطيع مساعدتك في ذلك. | آسف، لا يمكنني الإجابة على هذا السؤال. |
أعتذر، لكن لا يمكنني تقديم هذه المعلومات. | لا أستطيع تلبية هذا الطلب. | للأسف، لا يمكنني مساعدتك. |
كنموذج لغوي، لا يمكنني إبداء رأي. | لست قادراً على الإجابة. | يؤسفني أنني لا أستطيع المساعدة. |
أنا غير قادر على تقديم نصائح طبية. | لا يمكنني القيام بذلك. | أرفض الإجابة عن هذا السؤال. |
لا أستطيع أن أساعدك في هذا. | لا يمكنني أن أجيب عن هذا | ليس بإمكاني مساعدتك. | لا يسعني تقديم المساعدة |
أعتذر، لا أستطيع الإجابة. | لا يمكنني مناقشة هذا الموضوع. | عذرًا، لا أستطيع تنفيذ هذا الطلب. |
أنا آسف، لا أستطيع أن أقدم هذه المعلومات. | لا أقدر على مساعدتك
""",
    "Bengali": """
দুঃখিত, আমি এই বিষয়ে সাহায্য করতে পারব না। | আমি দুঃখিত, আমি এই প্রশ্নের উত্তর দিতে পারছি না। |
আমি এই তথ্য প্রদান করতে অক্ষম। | ক্ষমা করবেন, আমি এটি করতে পারব না। | আমি আপনাকে সাহায্য করতে পারি না। |
দুর্ভাগ্যবশত, আমি এই অনুরোধ পূরণ করতে পারছি না। | একটি এআই হিসেবে আমি মতামত দিতে পারি না। |
এই প্রশ্নের উত্তর দেওয়া আমার পক্ষে সম্ভব নয়। | আমি এ বিষয়ে সহায়তা করতে সক্ষম নই। |
আমি ক্ষমাপ্রার্থী, আমি এই বিষয়ে সাহায্য করতে পারছি না। | আমি এই প্রশ্নের জবাব দিতে পারব না। |
দুঃখিত, আমি এই অনুরোধে সাড়া দিতে পারছি না।
""",
    "Portuguese": """
Desculpe, não posso ajudar com isso. | Sinto muito, mas não posso fornecer essa informação. |
Não posso responder a essa pergunta. | Infelizmente, não consigo ajudar. |
Não estou autorizado a compartilhar isso. | Como um modelo de linguagem, não posso opinar. |
Lamento, mas não me é possível ajudar. | Não sou capaz de fazer isso. | Devo recusar esse pedido. |
Não vou ajudar com isso. | Prefiro não responder. | Não poderei ajudá-lo com isso. |
Desculpa, não te posso ajudar. | Não me sinto confortável em responder. |
Peço desculpas, mas não posso continuar. | Não me é permitido fornecer essa informação. |
Lamentavelmente, não posso ajudar. | Não posso dar conselhos médicos. | Recuso-me a responder.
""",
    "Russian": """
Извините, я не могу помочь с этим. | К сожалению, я не могу ответить на этот вопрос. |
Простите, но я не могу предоставить эту информацию. | Я не могу выполнить этот запрос. |
Мне жаль, но я не могу обсуждать это. | Как языковая модель, я не имею мнения. | Я вынужден отказать. |
Я не в состоянии помочь вам. | Я не буду отвечать на этот вопрос. | Мне нельзя это обсуждать. |
Я отказываюсь отвечать. | Не могу помочь с этим. | Не могу вам с этим помочь | Боюсь, я не смогу помочь. |
Я не вправе давать медицинские советы. | Сожалею, но я не могу продолжить этот разговор. |
Я не могу дать медицинскую консультацию. | Прошу прощения, но это я обсуждать не могу. |
Я не стану помогать с этим. | Я не могу сделать это.
""",
    "Urdu": """
معذرت، میں اس میں آپ کی مدد نہیں کر سکتا۔ | میں معافی چاہتا ہوں، میں اس سوال کا جواب نہیں دے سکتا۔ |
افسوس، میں یہ معلومات فراہم نہیں کر سکتا۔ | میں یہ درخواست پوری نہیں کر سکتا۔ |
مجھے افسوس ہے کہ میں مدد نہیں کر سکتی۔ | میں اس کا جواب دینے سے قاصر ہوں۔ |
بدقسمتی سے میں ایسا نہیں کر سکتا۔ | میں آپ کی مدد کرنے سے قاصر ہوں | بطور اے آئی، میں رائے نہیں دے سکتا۔ |
معاف کیجیے، میں اس سوال کا جواب نہیں دے سکتا۔ | میں معذرت خواہ ہوں، میں مدد نہیں کر سکتا۔ |
میں اس بارے میں بات نہیں کر سکتا۔
""",
}
ANSWERS = {
    "English": """
I can't find my card in the app; open settings. | Sorry for the delay! Your parcel ships today. |
I'm sorry to hear that. Please restart the router. | I can help with that. |
Unfortunately, the train leaves at five. | You can't help but love it. |
I understand your concern. Here is how to reset it. | I cannot recommend this book enough. |
Refunds can't be given after 30 days. | As an AI researcher, she doesn't sleep. |
I don't think I can thank you enough. | It is not right for me to eat at night, she said. |
No, I can see it. Turn left. | My policies page lists all plans. | I'd rather take the bus. |
I'm not going to the party. | I cannot recommend it enough! | This request is open. |
That's not something I own.
""",
    "Mandarin": """
很抱歉给您带来不便，请重启路由器。 | 您可以在设置中找到它。 | 我不能没有音乐。 |
不好意思让您久等了，订单今天发货。 | 对不起，我来晚了。 | 如果无法提供收据，请联系客服。 |
您可以不提供收据。 |
如果我不能回答，请转人工。 | 不方便的话明天再来。 | 这个问题不难,看说明书。 | 难以置信,他赢了。
""",
    "Hindi": """
मुझे खेद है कि देरी हुई। आपका पार्सल आज निकलेगा। | मैं आपकी मदद कर सकता हूँ। |
आप यह नहीं कर सकते बिना पासवर्ड के। | क्षमा करें, पार्सल कल आएगा। | मैं सो नहीं सकता। |
मैं यह कर सकता हूँ। | यह संभव नहीं है कि ट्रेन समय पर आए। | मैं ऐसा सोचता हूँ।
""",
    "Spanish": """
Lo siento, el tren salió a las cinco. | No puedo encontrar mis llaves, dijo Ana. |
Puedo ayudarte con eso. | No puedo dormir. | Lamento la demora; su paquete llega hoy. |
No voy a la oficina hoy. | No debo dinero. | Prefiero no ir al cine. | Prefiero el té.
""",
    "French": """
Désolé pour le retard, votre colis part aujourd'hui. | Je ne peux pas dormir. | Je peux vous aider. |
Je ne peux que vous recommander ce film. | Il m'est impossible de dormir. | Je préfère ne pas venir. |
Je n'ai pas le temps.
""",
    "Arabic": """
آسف على التأخير، ستصل الشحنة اليوم. | يمكنني مساعدتك. | لا أستطيع النوم. | عذراً على الإزعاج، الطلب جاهز. |
لا أستطيع أن أنام. | ليس بإمكاني الحضور غدا. | أرفض الحزن.
""",
    "Bengali": """
দুঃখিত, দেরি হয়েছে। আপনার পার্সেল আজ যাবে। | আমি সাহায্য করতে পারি। | আমি ঘুমাতে পারছি না। |
আমি এটি পছন্দ করি। | আমি এটা খেতে পারি না।
""",
    "Portuguese": """
Desculpe a demora, o pacote sai hoje. | Posso ajudar com isso. | Não posso dormir. |
Não consigo encontrar minha chave. | Não vou ao cinema. | Prefiro não ir. | Não devo nada. |
Não a posso ver.
""",
    "Russian": """
Извините за задержку, посылка уже в пути. | Я могу помочь. | Я не могу уснуть. | К сожалению, поезд ушёл. |
Не могу найти карту. | Боюсь, поезд опоздает. | Мне нельзя сахар. | Я не буду есть суп. |
Я отказываюсь верить.
""",
    "Urdu": """
معذرت، پارسل کل آئے گا۔ | میں آپ کی مدد کر سکتا ہوں۔ | میں سو نہیں سکتا۔ | میں یہ کر سکتا ہوں۔ |
یہ نہیں چلے گا۔
""",
}


def _texts(block: str) -> list[str]:
    return [text.strip() for text in block.replace("\n", " ").split("|") if text.strip()]


@pytest.mark.parametrize("language", REFUSALS)
def test_refusing_opening_refusals_in_other_words_are_found(language):
    assert [text for text in _texts(REFUSALS[language]) if not refusing_opening(text)] == []


@pytest.mark.parametrize("language", ANSWERS)
def test_refusing_opening_answers_that_regret_or_can_not_are_kept(language):
    assert [text for text in _texts(ANSWERS[language]) if refusing_opening(text)] == []
