"""The words of tables in English and Japanese."""

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import typer

Language = Literal["en", "ja"]
Lang = Annotated[
    str | None, typer.Option("--lang", help="en or ja. Default: the locale's.", show_default=False)
]
_WORDS: Mapping[str, str] = {
    "rank": "順位",
    "model": "モデル",
    "name": "モデル（ランキング表記）",
    "score": "スコア",
    "input": "入力 USD/1M",
    "output": "出力 USD/1M",
    "total": "合計 USD/1M",
    "score_per_usd": "スコア/USD",
    "provider": "事業者",
    "providers": "経路数",
    "context": "文脈長",
    "origin": "国",
    "open_weights": "重み公開",
    "licence": "ライセンス",
    "takes": "入力形式",
    "gives": "出力形式",
    "retires": "終了日",
    "label": "名称",
    "region": "処理地域",
    "retention_days": "保持日数",
    "trains": "学習利用",
    "models": "モデル数",
    "prices": "価格日付",
    "incidents": "障害（API / 重大）",
    "all_incidents": "公開件数",
    "api": "API 関連",
    "severe": "major/critical",
    "role": "役割",
    "month": "月額 USD",
    "open": "未解決",
    "uptime": "稼働率表示",
    "measured": "自社計測",
    "calls": "呼び出し数",
    "from": "集計開始",
    "to": "集計終了",
    "began": "発生",
    "ended": "復旧",
    "severity": "重大度",
    "title": "件名",
    "sla": "SLA",
    "note": "メモ",
    "source": "出典",
    "family": "モデルファミリ",
    "direct": "直 API",
    "clouds": "クラウド経由",
    "others": "ルーター/その他",
    "cache_read": "キャッシュ読",
    "cache_write": "キャッシュ書",
    "tier": "区分",
    "until": "終了",
    "yes": "はい",
    "no": "いいえ",
    "free": "無料",
    "id": "事業者の ID",
}
_ENGLISH: Mapping[str, str] = {
    "name": "model (as ranked)",
    "input": "in USD/1M",
    "output": "out USD/1M",
    "total": "sum USD/1M",
    "score_per_usd": "score/USD",
    "open_weights": "open weights",
    "retention_days": "keeps days",
    "prices": "prices of",
    "incidents": "incidents (API / severe)",
    "all_incidents": "published",
    "api": "of the API",
    "severe": "major/critical",
    "month": "USD a month",
    "open": "open now",
    "uptime": "uptime (page)",
    "measured": "uptime (measured)",
    "clouds": "through clouds",
    "others": "routers and others",
    "cache_read": "cache read",
    "cache_write": "cache write",
    "tier": "which",
    "sla": "SLA",
    "id": "provider's id",
}


class Wording:
    """The words of one language."""

    def __init__(self, language: Language):
        self.language = language

    def __call__(self, word: str) -> str:
        """A column's heading or a word in a cell."""
        if self.language == "ja":
            return _WORDS.get(word, word)
        return _ENGLISH.get(word, word)


def wording(said: str | None, environment: Mapping[str, str] = os.environ) -> Wording:
    """The language that was asked for, or else the locale's. Raises typer.BadParameter."""
    if said is not None and said not in ("en", "ja"):
        raise typer.BadParameter(f"must be en or ja, not {said}", param_hint="--lang")
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    chosen = said or ("ja" if locale.lower().startswith("ja") else "en")
    return Wording("ja" if chosen == "ja" else "en")
