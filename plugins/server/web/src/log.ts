export function begin(_place: HTMLElement): void {}
