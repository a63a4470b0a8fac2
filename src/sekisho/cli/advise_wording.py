"""What `sekisho advise` asks and says, in English and Japanese."""

from collections.abc import Mapping

from sekisho.cli.wording import Language
from sekisho.control.services.advice import Role, Warned

Words = Mapping[Language, str]
PROMPTS: Mapping[str, Words] = {
    "workload": {
        "en": "Kind of work (search: over your own documents; explore: to find a model)",
        "ja": "用途（chat: 対話、agents: エージェント、coding: 開発支援、batch: 一括処理、"
        "search: 社内検索・RAG、explore: モデル探索）",
    },
    "criticality": {
        "en": "An outage (critical: costs at once; normal: minutes are borne; cost: price goes first)",
        "ja": "停止の影響（critical: 収益に直結、normal: 数分は許容、cost: コスト最優先）",
    },
    "audit": {
        "en": "Must SLOs, audit or budgets be shown to somebody?",
        "ja": "SLO・監査・予算管理の要件がありますか",
    },
    "latency": {
        "en": "Latency (low: people wait for every word)",
        "ja": "応答速度（low: 低遅延が必須）",
    },
    "tokens": {"en": "Tokens a day", "ja": "1 日のトークン数"},
    "budget": {"en": "Budget in USD a month (0: none)", "ja": "月の予算（USD、0 は指定なし）"},
    "residency": {
        "en": "Where may data be processed? (own: nowhere but in the house)",
        "ja": "データの所在地（any: 制約なし、JP: 日本、EU、US、own: 社外に出せない）",
    },
    "self_hosting": {
        "en": "Are there people and machines to run models yourself?",
        "ja": "自社でモデルを動かす体制と設備がありますか",
    },
    "language": {"en": "Language of the prompts", "ja": "プロンプトの主な言語"},
    "denied": {
        "en": "Countries whose providers and models are ruled out, as CN,RU (or none)",
        "ja": "使えない国（事業者・モデル。例: CN,RU、なければ none）",
    },
}
ROLES: Mapping[Role, Words] = {
    "main": {"en": "first", "ja": "主系"},
    "standby": {"en": "stand-in", "ja": "待機系"},
    "further": {"en": "further", "ja": "予備"},
}
LIGHT: Words = {"en": "simple calls", "ja": "軽い処理"}
SECTIONS: Mapping[str, Words] = {
    "rules": {"en": "Rules of {date}", "ja": "判断規則: {date}"},
    "month": {
        "en": "A month: {tokens:,} tokens a day, {share:.0%} of them prompt, at today's prices, no caches",
        "ja": "月額: 1 日 {tokens:,} トークン（入力 {share:.0%}）を現在の単価で計算（キャッシュなし）",
    },
}
WARNINGS: Mapping[Warned, Words] = {
    "nobody": {
        "en": "Nothing in the catalogue meets all of this: relax the place, the countries or audit",
        "ja": "すべての条件を満たす候補がカタログにありません。所在地・国・監査の条件を見直してください",
    },
    "no_standby": {
        "en": "There is no second way that meets all of this: an outage of the first stops everything",
        "ja": "条件を満たす 2 つ目の経路がありません。主系が止まると全体が止まります",
    },
    "budget": {
        "en": "Nothing is cheap enough for the budget at that volume; the cheapest is shown",
        "ja": "この処理量では予算内の候補がありません。最も安いものを示しています",
    },
    "unpriced": {
        "en": "The price of the first target is not known: calls are served, and marked as unpriced",
        "ja": "主系の単価が不明です。呼び出しは処理され、単価不明として記録されます",
    },
    "own_unready": {
        "en": "Data may not leave the house, and nobody runs models there: one of both has to change",
        "ja": "社外に出せない一方で自社運用の体制がありません。どちらかの見直しが必要です",
    },
}
