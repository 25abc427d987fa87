"""How vendors tell in words that a content filter refused something, in English and Chinese.

Only for a vendor's own words (`vendor_text.own_words`), and only where no field and no code tells it.
Each line is one expression of the vocabulary; add a line with the sentence that was seen in tests/dialects.
"""

from __future__ import annotations

import re

_ENGLISH = (
    r"moderat(?:ion|ed|or|ors|ing)?\b",
    r"(?<![a-z])safety\b(?!\s*net)",
    r"\bunsafe\b",
    r"\bnsfw\b",
    r"(?<!case[ -])(?<![a-z])sensitiv(?:e|ity)(?![a-z])",  # also MiniMax's "new_sensitive"
    r"(?<!access\s)(?<!constraint\s)(?<!protocol\s)\bviolat(?:e|es|ed|ing|ion|ions)\b"
    r"(?!\s+(?:of\s+)?(?:unique|foreign|not-?null|constraint|protocol|schema|memory))",
    r"\b(?:content|usage|use|safety|community|platform|our|openai'?s?|google'?s?|company)\s+(?:\w+\s+)?polic(?:y|ies)",
    r"\b(?:content|usage|use|community|safety|platform|generation|ai|policy)\s+guidelines?\b",
    r"\bguardrails?\b",
    r"\bresponsible\s+ai\b",
    r"\brisk[ -]?(?:control|management)\b",  # Kling
    r"\brisk\s+not\s+pass",  # Jimeng
    r"\bCM_EXT\b",  # Kling behind a relay
    r"\b(?:prohibited|inappropriate|disallowed|objectionable|offensive|harmful)\b",
    r"\billegal\s+content",
    r"\bcontent[ _-]?(?:filter(?:s|ing|ed)?|check(?:er)?|review|policy|security|restrictions?)\b",
    r"\b(?:filtered|blocked|rejected|refused|flagged|withheld|removed|censored)\s+(?:out\s+)?(?:by|due\s+to|because\s+of|for)"
    r"\s+(?:\w+\s+){0,3}(?:filters?|safety|polic(?:y|ies)|moderation|content|nsfw|copyright|review)\b",
    r"\b(?:content|prompts?|outputs?|images?|pictures?|videos?|clips?|audio|results?|media)\b[^.]{0,40}?"
    r"\b(?:filtered|blocked|censored|withheld|refused)\b",
    r"\b(?:content|prompts?|outputs?|images?|pictures?|videos?|words?)\b[^.]{0,40}?"
    r"(?:\bnot|n't)\s+(?:be\s+)?(?:allowed|permitted|acceptable|compliant)\b",
    r"\brefus(?:es?|ed)\s+to\s+(?:generate|create|produce|make|process)\b",
    r"\b(?:terms\s+of\s+(?:service|use)|(?:our|usage)\s+terms|community\s+standards|acceptable\s+use)\b",
    r"\b(?:adult|explicit|graphic|violent|hateful|abusive|dangerous)\s+(?:content|material|imagery|images?|language|speech)",
    r"\bviolence\b",
    r"\bflagged\b",
    r"\bcensor(?:ed|ship)\b",
    r"\b(?:nudity|nude|sexual(?:ly)?|porn(?:ography|ographic)?|erotic|gore|gory|self-harm|csam)\b",
    r"\b(?:hate\s+speech|child\s+abuse)\b",
    r"\bcopyright(?:ed|s)?\b",
    r"\bintellectual\s+property\b",
    r"\btrademark(?:ed|s)?\b",
    r"\blikeness\b",
    r"\b(?:real|identifiable|recogni[sz]able)\s+(?:person|people|human|faces?|individuals?)\b",  # Ark
    r"\b(?:public|political)\s+figures?\b",
    r"\bcelebrit(?:y|ies)\b",
    r"\bthird[- ]party\s+(?:content|likeness|similarity)\b",  # Sora
    r"\b(?:banned|forbidden|restricted|blocked)\s+(?:words?|terms?|keywords?|content)\b",
    r"\brephras(?:e|ing)\s+(?:(?:the|your)\s+)?prompt\b",  # Veo
    r"\b(?:change|modify|adjust|revise|reword|rewrite|try)\s+(?:a\s+(?:different|new)|another|the|your)\s+prompt\b",
    r"\bdifferent\s+(?:inputs?|prompts?)\b",  # fal, Replicate: "try again with different inputs"
    r"\bsupport\s+codes?:\s*\d",  # Veo: the number of the filter's category
)
_CHINESE = (
    r"敏感",
    r"[违違](?:规|規|禁|法)",
    r"[违違]反(?!.{0,4}(?:约束|格式))",
    r"涉嫌",
    r"涉[黄政暴恐]",
    r"涉及.{0,12}(?:政治|暴力|色情|血腥|版权|侵权|隐私|不当|不良|肖像|真人|名人|敏感|违|安全|风险)",
    r"不合[规規]",
    r"安全(?:审查|審查|审核|策略|规范|限制|检测不)",
    r"内容安全|內容安全",
    r"风控|風控|风险控制",
    r"审核(?!(?:服务|接口|系统).{0,6}(?:超时|异常|不可用|失败|繁忙)|中)|審核(?!中)",
    r"(?<!参数)(?<!参数校验)(?<!校验)(?<!验证)(?<!鉴权)(?:未通过|未能通过|不通过|未通過)",
    r"色情|低俗|血腥|暴力内容|政治内容",
    r"不[良当]信息|不当内容|不良内容|不适宜|不宜",
    r"侵权|侵權|版权|版權|肖像权",
    r"拦截|攔截|屏蔽",
    r"(?:更换|修改|调整).{0,4}(?:提示词|描述词|文案)",
    r"(?:社区|社區|平台|使用|内容)(?:规范|規範|准则|準則|政策|公约)",
)
_FILTER = re.compile("|".join((*_ENGLISH, *_CHINESE)), re.I)

_FILTER_IS_DOWN = re.compile(
    r"(?:moderation|safety|content[ _-]?filter|审核|審核|风控)[\w ]{0,40}?"
    r"(?:unavailable|timed?[ -]?out|timeout|超时|异常|不可用|繁忙|connection)",
    re.I,
)
"""The filter itself is out of order: no verdict on the content."""

_PASSED = re.compile(
    r"(?<!not )\bpass(?:ed|es)?\b|\b(?:no|without)\s+(?:\w+\s+){0,2}(?:violations?|issues?|problems?|risks?)"
    r"|(?<![未不])通过|(?<![未不])通過",
    re.I,
)

_OUTPUT = re.compile(r"\b(?:outputs?|generated|results?)\b|生成|输出|輸出|结果|成片", re.I)
_INPUT = re.compile(
    r"\b(?:inputs?|prompts?|images?|picture|photo|reference|uploaded)\b"
    r"|提示词|提示詞|输入|輸入|图片|圖片|参考|首帧|尾帧|文本",
    re.I,
)
_CONTENT = re.compile(
    r"\b(?:content|videos?|audio|moderation|nsfw)\b|\bsafety\s+(?:system|filters?|checks?)\b|内容|內容|视频|审核|審核",
    re.I,
)


def tells_of_filter(sentence: str) -> bool:
    """Whether a vendor's own words tell that a content filter refused something."""
    return _FILTER.search(sentence) is not None and _FILTER_IS_DOWN.search(sentence) is None


def tells_of_a_pass(sentence: str) -> bool:
    """Whether a sentence about a content filter says that it let the clip pass."""
    return _PASSED.search(sentence) is not None


def sides_named(sentence: str) -> tuple[bool, bool]:
    """Whether a sentence speaks of what was sent, and whether of what was made."""
    return _INPUT.search(sentence) is not None, _OUTPUT.search(sentence) is not None


def tells_of_content(sentence: str) -> bool:
    """Whether a sentence is about a prompt, a picture, a clip or their filter, and not, say, about the caller."""
    return any(side.search(sentence) for side in (_INPUT, _OUTPUT, _CONTENT))
