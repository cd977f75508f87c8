type Rgb = readonly [red: number, green: number, blue: number]

/** The colours of a sender, made readable (WCAG 2.2 section 1.4.3 and 1.4.11). As `#rrggbb`. */
export type AccentColors = {
  /** Exactly the colour of the sender. */
  button: string
  /** Whichever of white and black can be read on it. */
  buttonText: string
  /** The colour, darkened until it can be read on the light page, … */
  onLight: string
  /** … or lightened for the dark one. */
  onDark: string
}

/** The surfaces of page.css that are hardest to read on: the page itself, and the dark card. */
const lightSurface: Rgb = [243, 244, 246]
const darkSurface: Rgb = [31, 35, 41]

const white: Rgb = [255, 255, 255]
const black: Rgb = [0, 0, 0]

/** WCAG level AA for text of any size. */
const readable = 4.5

export function accentColors(color: string): AccentColors {
  const accent = parseColor(color)
  // One of the two always suffices: the product of both contrasts is 21.
  const buttonText = contrast(accent, white) >= readable ? white : black
  return {
    button: formatColor(accent),
    buttonText: formatColor(buttonText),
    onLight: formatColor(blendUntilReadable(accent, black, lightSurface)),
    onDark: formatColor(blendUntilReadable(accent, white, darkSurface)),
  }
}

/** WCAG 2.2: contrast ratio, 1–21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (lighter + 0.05) / (darker + 0.05)
}

export function parseColor(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

function formatColor(rgb: Rgb): string {
  return `#${rgb.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

function blendUntilReadable(color: Rgb, towards: Rgb, surface: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.05) {
    const blended = blend(color, towards, share)
    if (contrast(blended, surface) >= readable) return blended
  }
  return towards
}

function blend([r, g, b]: Rgb, [toR, toG, toB]: Rgb, share: number): Rgb {
  const mix = (from: number, to: number): number => Math.round(from + (to - from) * share)
  return [mix(r, toR), mix(g, toG), mix(b, toB)]
}

function luminance([r, g, b]: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

function linear(channel: number): number {
  const value = channel / 255
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}
