export type LogoType = 'image/png' | 'image/jpeg' | 'image/webp'

export type Logo = { type: LogoType; image: Buffer }

export const maxLogoBytes = 200_000

/**
 * By its first bytes, whatever it is called. `null` when it is too large or of another type: an SVG
 * image can hold scripts and so is none of ours.
 */
export function readLogo(image: Buffer): Logo | null {
  const type = typeOf(image)
  return type === null || image.length > maxLogoBytes ? null : { type, image }
}

function typeOf(image: Buffer): LogoType | null {
  const start = image.toString('latin1', 0, 12)
  if (start.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png'
  if (start.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (/^RIFF.{4}WEBP$/s.test(start)) return 'image/webp'
  return null
}
