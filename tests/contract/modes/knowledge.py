"""Memory and knowledge: embeddings, and what crewai asks a model to remember or to look up."""

from contract.modes.stage import Mode, Ran, Stage, kickoff


def _embedder(stage: Stage):
    config = {"api_key": "any", "api_base": f"{stage.url}/v1", "model_name": "text-embedding-3-small"}
    return {"provider": "openai", "config": config}


def memory(stage: Stage) -> Ran:
    return kickoff(stage.crew(stage.agent(), memory=True, embedder=_embedder(stage)))


def knowledge(stage: Stage) -> Ran:
    from crewai.knowledge.source.string_knowledge_source import StringKnowledgeSource

    source = StringKnowledgeSource(content="The north sold 1250 crates.")
    return kickoff(stage.crew(stage.agent(), knowledge_sources=[source], embedder=_embedder(stage)))


MEMORY = [
    "Analyst/task-0/memory",  # the embedding of what is recalled
    "Analyst/task-0/chat",
    "Analyst/task-0/memory",  # what is worth remembering, and its embeddings
    "Analyst/task-0/memory",
    "Analyst/task-0/memory",
]
KNOWLEDGE = [
    "-/-/knowledge",
    "-/-/knowledge",
    "-/-/knowledge",
    "Analyst/task-0/knowledge",
    "Analyst/task-0/knowledge",
    "Analyst/task-0/chat",
]
MODES = (
    Mode("memory", memory, MEMORY, twice=False),
    Mode("knowledge", knowledge, KNOWLEDGE, twice=False),
)
