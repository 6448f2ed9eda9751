// Light or dark: as the system says, unless the person has said otherwise.
const KEY = 'lucida-theme'

export type Theme = 'light' | 'dark'

const chosen = (): Theme | null => {
  const value = localStorage.getItem(KEY)
  return value === 'light' || value === 'dark' ? value : null
}

export function theme(): Theme {
  return chosen() ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
}

/** Shows what was chosen. */
export function applyTheme(): void {
  const choice = chosen()
  if (choice) document.documentElement.dataset['theme'] = choice
}

export function toggleTheme(): void {
  localStorage.setItem(KEY, theme() === 'dark' ? 'light' : 'dark')
  applyTheme()
}
