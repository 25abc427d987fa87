"""How vendors tell in words that they cannot use a picture, a face, a file or a prompt, in English and Chinese.

Only for a vendor's own words (`vendor_text.own_words`), and only where no field and no code tells it.
"""

from __future__ import annotations

import re

_THING = (
    r"(?:images?|pictures?|photos?|frames?|faces?|masks?|inputs?|references?|assets?|prompts?|uploads?|file"
    r"|(?:input|source|reference)\s+(?:videos?|audios?|clips?))"
)
_CANNOT = r"(?:cannot|can't|couldn't|could\s+not|can\s+not|failed\s+to|unable\s+to)"
_READ = r"(?:read|decode|open|load|parse|identify|recogni[sz]e|detect|find|fetch|download|process)"
_ENGLISH = (
    rf"\b{_THING}\b[^.]{{0,60}}?\btoo\s+(?:small|large|big|long|short|many|dark|blurry|low)\b",
    rf"\b{_THING}\b[^.]{{0,60}}?\b(?:invalid|unsupported|corrupt(?:ed)?|unreadable|undecodable|exceed(?:s|ed|ing)?)\b",
    rf"\b{_THING}\b[^.]{{0,60}}?\bnot\s+(?:\w+\s+)?(?:valid|supported|readable|recogni[sz]ed|found|detected|clear)\b",
    rf"\b{_THING}\b[^.]{{0,60}}?{_CANNOT}\s+be\s+(?:read|decoded|opened|loaded|parsed|identified|recogni[sz]ed|fetched"
    r"|downloaded|detected|found|processed)\b",
    rf"\b{_THING}\b[^.]{{0,60}}?\b(?:must|should)\s+(?:be|have|contain|match|not)\b",
    rf"\b{_THING}\b[^.]{{0,60}}?\b(?:at\s+(?:least|most)|(?:larger|smaller|greater|less|longer|shorter)\s+than)\b",
    rf"\b(?:expected|requires?)\s+(?:\w+\s+){{0,3}}?{_THING}\b",
    r"\bout\s+of\s+range\b",
    r"\b(?:no|without\s+a|missing|multiple)\s+(?:(?:valid|clear|human)\s+)?faces?\b",
    rf"\b{_CANNOT}\s+{_READ}\s+(?:\w+\s+){{0,4}}?{_THING}\b",
    rf"\b(?:invalid|unsupported|corrupt(?:ed)?|unreadable|bad)\s+(?:\w+\s+)?{_THING}\b",
    r"\b(?:invalid|unsupported|out\s+of\s+range)\s+(?:\w+\s+)?(?:parameters?|arguments?|aspect\s+ratio|resolution|duration"
    r"|size|format|dimensions?|length)\b",
    r"\b(?:image|picture|video|audio|file|media|input)\s+(?:file\s+)?(?:type|format|codec)\s+(?:is\s+)?(?:not\s+|un)supported",
    r"\b(?:pixels?|dimensions?|aspect\s+ratio|resolution)\s+(?:\w+\s+){0,3}?(?:invalid|unsupported|too\s+(?:small|large|low"
    r"|high)|not\s+(?:valid|supported))",
    r"\b(?:prompt|text|characters?|tokens?)\s+(?:length|limit|count)\b[^.]{0,40}?\bexceed",
    r"\bexceed\w*\s+(?:the\s+)?(?:max\w*\s+)?(?:prompt|character|token|text)\s",
)
_CHINESE_THING = (
    "(?:图片|圖片|图像|照片|首帧|尾帧|参考图|参考视频|音频|提示词|提示詞|文本|文件"
    "|输入|輸入|人脸|分辨率|尺寸|比例|宽高比|格式|像素)"
)
_CHINESE = (
    rf"{_CHINESE_THING}.{{0,20}}?(?:过小|太小|过大|太大|过长|太长|超长|过短|超出|超过|不能(?:小于|大于|超过)|不得)",
    rf"{_CHINESE_THING}.{{0,20}}?(?:不支持|不正确|无效|损坏|不存在|不合法|有误|不符合(?:要求|规格)|不清晰|未检测到)",
    rf"{_CHINESE_THING}.{{0,20}}?无法(?:读取|识别|解析|打开|下载|访问)",
    r"(?:未检测到|未识别到|没有检测到|检测不到|未能识别|无法检测).{0,6}(?:人脸|人物|面部|主体)",
    r"参数(?:错误|无效|不合法|有误|校验)",
)
_UNFIT = re.compile("|".join((*_ENGLISH, *_CHINESE)), re.I)

_TRANSIENT = re.compile(
    r"time[sd]?[ -]?out|temporar|try again (?:later|in)|please retry|\bbusy\b|overload|\binternal\b|unavailable"
    r"|connection|network|\bgpu\b|cuda|超时|繁忙|稍后|内部错误|网络|服务异常",
    re.I,
)
"""What only the vendor's own trouble causes, also while it reads a picture."""


def tells_of_unfit_input(sentence: str) -> bool:
    """Whether a vendor's own words find fault with what the user sent."""
    return _UNFIT.search(sentence) is not None and _TRANSIENT.search(sentence) is None
