"""The members that Gemini's requests take, and their types.

From the types of python-genai 3.4 (2026-11) and the reference at ai.google.dev/api/generate-content. A type
is a name: of another message, or one of `string bytes integer number bool any struct`; `[X]` is a list of
them and `{X}` a map to them.
"""

from collections.abc import Mapping


def _fields(text: str) -> Mapping[str, str]:
    return dict(pair.split(":") for pair in text.split())


FIELDS: Mapping[str, Mapping[str, str]] = {
    "GenerateContentRequest": _fields(
        "model:string contents:[Content] systemInstruction:Content tools:[Tool] toolConfig:ToolConfig "
        "safetySettings:[SafetySetting] generationConfig:GenerationConfig cachedContent:string "
        "serviceTier:string store:bool labels:struct"
    ),
    "CountTokensRequest": _fields(
        "model:string contents:[Content] generateContentRequest:GenerateContentRequest"
    ),
    "Content": _fields("role:string parts:[Part]"),
    "Part": _fields(
        "text:string inlineData:Blob fileData:FileData functionCall:FunctionCall "
        "functionResponse:FunctionResponse executableCode:struct codeExecutionResult:struct "
        "toolCall:struct toolResponse:struct thought:bool thoughtSignature:bytes videoMetadata:struct "
        "mediaResolution:any partMetadata:struct"
    ),
    "Blob": _fields("mimeType:string data:bytes displayName:string"),
    "FileData": _fields("mimeType:string fileUri:string displayName:string"),
    "FunctionCall": _fields("id:string name:string args:struct"),
    "FunctionResponse": _fields(
        "id:string name:string response:struct parts:[FunctionResponsePart] willContinue:bool "
        "scheduling:string"
    ),
    "FunctionResponsePart": _fields("inlineData:Blob fileData:FileData"),
    "Tool": _fields(
        "functionDeclarations:[FunctionDeclaration] googleSearch:struct googleSearchRetrieval:struct "
        "codeExecution:struct urlContext:struct computerUse:struct fileSearch:struct googleMaps:struct "
        "mcpServers:[any]"
    ),
    "FunctionDeclaration": _fields(
        "name:string description:string behavior:string parameters:Schema parametersJsonSchema:any "
        "response:Schema responseJsonSchema:any"
    ),
    "Schema": _fields(
        "type:string format:string title:string description:string nullable:bool enum:[string] "
        "maxItems:integer minItems:integer properties:{Schema} required:[string] minProperties:integer "
        "maxProperties:integer minLength:integer maxLength:integer pattern:string example:any "
        "anyOf:[Schema] propertyOrdering:[string] default:any items:Schema minimum:number maximum:number "
        "additionalProperties:any"
    ),
    "ToolConfig": _fields(
        "functionCallingConfig:FunctionCallingConfig retrievalConfig:struct "
        "includeServerSideToolInvocations:bool"
    ),
    "FunctionCallingConfig": _fields("mode:string allowedFunctionNames:[string]"),
    "SafetySetting": _fields("category:string threshold:string"),
    "GenerationConfig": _fields(
        "stopSequences:[string] responseMimeType:string responseSchema:Schema responseJsonSchema:any "
        "responseFormat:any responseModalities:[string] candidateCount:integer maxOutputTokens:integer "
        "temperature:number topP:number topK:number seed:integer presencePenalty:number "
        "frequencyPenalty:number responseLogprobs:bool logprobs:integer enableEnhancedCivicAnswers:bool "
        "speechConfig:struct thinkingConfig:ThinkingConfig imageConfig:struct mediaResolution:string"
    ),
    "ThinkingConfig": _fields("includeThoughts:bool thinkingBudget:integer thinkingLevel:string"),
}

DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
"""Of these a part has one."""

IMAGES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
