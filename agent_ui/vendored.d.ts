// The parts of the vendored libraries that the screens use.

declare module "preact/hooks" {
  export function useState<T>(initial: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
  export function useEffect(effect: () => void | (() => void), inputs?: unknown[]): void;
  export function useLayoutEffect(effect: () => void | (() => void), inputs?: unknown[]): void;
  export function useRef<T>(initial: T): { current: T };
  export function useMemo<T>(make: () => T, inputs: unknown[]): T;
}

declare module "htm/preact" {
  export function html(strings: TemplateStringsArray, ...values: any[]): any;
  export function render(tree: any, parent: Element): void;
}

declare module "@preact/signals" {
  export interface ReadonlySignal<T> { readonly value: T; peek(): T; subscribe(seen: (value: T) => void): () => void }
  export interface Signal<T> extends ReadonlySignal<T> { value: T }
  export function signal<T>(value: T): Signal<T>;
  export function computed<T>(compute: () => T): ReadonlySignal<T>;
  export function effect(run: () => void | (() => void)): () => void;
  export function batch<T>(run: () => T): T;
}

declare module "socket.io-client" {
  export interface Socket {
    connected: boolean;
    auth: object;
    on(event: string, seen: (...values: any[]) => void): this;
    emit(event: string, ...values: any[]): this;
    timeout(ms: number): { emit(event: string, ...values: any[]): void };
    connect(): this;
    disconnect(): this;
  }
  export function io(address: string, options: object): Socket;
}
