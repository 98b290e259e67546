/** What a client looks for. */
export interface Target {
  /** Full name of the proto service; only instances that serve it are wanted. */
  readonly service: string;
  /**
   * Name of the component that hosts it, when the contract names one. Without
   * it, every component that serves the service counts.
   */
  readonly component?: string | undefined;
}
