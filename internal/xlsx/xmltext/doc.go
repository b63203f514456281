// Package xmltext reads the XML of a workbook's parts from memory, without making
// garbage and without trusting it.
//
// The principal type is [Reader], a pull tokenizer over a byte slice: [Reader.Next]
// gives tokens, [Reader.Child] walks the children of an element and skips what the
// caller does not look at. Namespaces are resolved to the few that a workbook uses
// ([NS]), in their transitional and strict spellings. Markup-compatibility
// alternatives are resolved on the way: a caller sees the branch that counts.
// [ToUTF8] comes first where a part may be in another encoding.
//
// The invariant: whatever the bytes are, reading ends, holds no more memory than the
// nesting needs, which is bounded, and either is complete or leaves a [SyntaxError]
// with the offset. Document types are refused, so there are no entities but the five
// of XML and character references.
//
// Start reading at [Reader.Next].
package xmltext
