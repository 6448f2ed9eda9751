// What a model's config.json says: Hugging Face's, or open_clip's as Immich exports it.
import { z } from 'zod'
import type { Cleaning } from './text-cleaning.ts'

export const modelConfig = z.object({
  model_type: z.string().optional(),
  projection_dim: z.number().int().positive().optional(),
  /** open_clip's name for it. */
  embed_dim: z.number().int().positive().optional(),
  /** Temperature as a factor on the cosine; CLIP's own is 100. */
  logit_scale: z.number().positive().default(100),
  text_config: z
    .object({
      max_position_embeddings: z.number().int().min(2).optional(),
      pad_token_id: z.number().int().nullish(),
    })
    .default({}),
  vision_config: z.object({ hidden_size: z.number().int().positive().optional() }).default({}),
  /** open_clip's. */
  text_cfg: z
    .object({
      context_length: z.number().int().min(2).optional(),
      hf_tokenizer_name: z.string().optional(),
      tokenizer_kwargs: z
        .object({ clean: z.enum(['lower', 'whitespace', 'canonicalize']).optional() })
        .default({}),
      /** Every token sees every other, padding too. */
      no_causal_mask: z.boolean().default(false),
    })
    .optional(),
})

export type ModelConfig = z.infer<typeof modelConfig>

/** Length of the vectors, if it says so. */
export function dimensionOf(config: ModelConfig): number | undefined {
  const { projection_dim, embed_dim, vision_config } = config
  // SigLIP's towers are pooled, not projected.
  return projection_dim ?? embed_dim ?? (isSiglip(config) ? vision_config.hidden_size : undefined)
}

/** Most tokens of a text, if it says so. */
export function contextOf({ text_config, text_cfg }: ModelConfig): number | undefined {
  return text_config.max_position_embeddings ?? text_cfg?.context_length
}

/** Most tokens of a text where neither config.json nor the manifest says so. */
export function usualContext(config: ModelConfig): number {
  return isSiglip(config) ? 64 : 77
}

/**
 * SigLIP takes the last of 64 tokens for the whole text, padding or not; in some of open_clip's towers
 * padding is seen like any other token.
 */
export function padsToContext(config: ModelConfig): boolean {
  return isSiglip(config) || config.text_cfg?.no_causal_mask === true
}

/** open_clip pads with 0 where the tokenizer is its own, whatever tokenizer files say. */
export function padWith({ text_cfg: text }: ModelConfig): number | undefined {
  return text && !text.hf_tokenizer_name ? 0 : undefined
}

/** How texts are cleaned, if it says so: open_clip's settings, by its own defaults. */
export function cleaningBy({ text_cfg: text }: ModelConfig): Cleaning | undefined {
  if (!text) return undefined
  return text.tokenizer_kwargs.clean ?? (text.hf_tokenizer_name ? 'whitespace' : 'lower')
}

/** SigLIP 2 may call itself SigLIP, too. */
export function isSiglip({ model_type }: ModelConfig): boolean {
  return /^siglip2?$/.test(model_type ?? '')
}
