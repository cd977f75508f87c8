/** What the reader looks at, at most. A report that needs more is read as far as this goes. */

/** Bytes of one message; what follows is not looked at. */
export const maxMessageBytes = 64 * 1024 * 1024

/** Bytes of one header block that are searched for fields; the body still begins behind all of it. */
export const maxHeaderBytes = 8 * 1024 * 1024

/** Fields kept of one header block; those that say how to read the body are kept beyond it. */
export const maxHeaderFields = 1_000

/** Characters kept of one header field. */
export const maxFieldLength = 32 * 1024

/** Parts of one message over all levels. */
export const maxParts = 500

/** Multiparts within multiparts. */
export const maxDepth = 20

/** Characters of a boundary; RFC 2046 section 5.1.1 says 70, some software takes more. */
export const maxBoundaryLength = 200

/** Bytes of a report part (RFC 3464, RFC 5965): room for more than 10,000 recipients. */
export const maxReportBytes = 4 * 1024 * 1024

/** Bytes of a text written for people that are searched for the traces of a bounce. */
export const maxTextBytes = 64 * 1024

/** Bytes of a longer text, of which the heads of the lines are searched. */
export const maxLongTextBytes = 8 * 1024 * 1024

/** Characters of one line of such a text. */
export const maxTextLine = 1_000

/** Bytes of returned mail that are read: its header and the head of its body. */
export const maxReturnedBytes = 256 * 1024

/** Recipients of one report; real reports stay below 1,000. */
export const maxRecipients = 20_000

/** Addresses taken from one address field, such as the To field of returned mail. */
export const maxAddresses = 100

/** Characters of a diagnosis. */
export const maxDiagnosticLength = 2_048

/** Characters of an address. */
export const maxAddressLength = 1_000

/** Characters of any other text that leaves the reader. */
export const maxValueLength = 1_000

/** Bytes of an HTML part that mailparser is given; the text of a bounce stands at its head. */
export const maxHtmlMessageBytes = 1024 * 1024

/** Characters of HTML that are read. */
export const maxHtmlLength = 512 * 1024

/** Milliseconds that mailparser may take for one message. */
export const htmlDeadlineMs = 2_000

/** Megabytes of heap for mailparser. */
export const htmlHeapMb = 64
